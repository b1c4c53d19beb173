WITH RECURSIVE barrier(catalog, id) AS MATERIALIZED (
    {barriers}
    UNION ALL
    SELECT 'pg_class', c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE {allowed_any} AND pg_catalog.concat(n.nspname, '.', c.relname) = ANY ({allowed})
    UNION ALL
    SELECT 'pg_type', c.oid FROM pg_catalog.pg_type c JOIN pg_catalog.pg_namespace n ON n.oid = c.typnamespace
    WHERE {allowed_any} AND pg_catalog.concat(n.nspname, '.', c.typname) = ANY ({allowed})
    UNION ALL
    SELECT 'pg_proc', c.oid FROM pg_catalog.pg_proc c JOIN pg_catalog.pg_namespace n ON n.oid = c.pronamespace
    WHERE {allowed_any} AND pg_catalog.concat(n.nspname, '.', c.proname) = ANY ({allowed})
    UNION ALL
    SELECT c.relname, d.objid FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.classid
    JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE {allowed_any} AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
      AND pg_catalog.concat('extension:', e.extname) = ANY ({allowed})
), followed(from_catalog, catalog) AS MATERIALIZED (
    -- What is worth following from a catalog to what depends on it.
    SELECT f.one, pg_catalog.unnest(f.many) FROM (VALUES
        ('pg_proc', '{pg_rewrite,pg_proc,pg_operator,pg_cast,pg_type,pg_constraint,pg_attrdef,pg_policy,pg_trigger,
                      pg_class,pg_amproc,pg_statistic_ext}'::pg_catalog.name[]),
        ('pg_operator', '{pg_rewrite,pg_proc,pg_amop,pg_constraint,pg_attrdef,pg_policy,pg_trigger,pg_class,
                          pg_statistic_ext}'),
        ('pg_type', '{pg_rewrite,pg_proc,pg_class,pg_type,pg_constraint,pg_attrdef,pg_policy}'),
        ('pg_class', '{pg_rewrite,pg_proc,pg_policy}'),
        ('pg_cast', '{pg_rewrite,pg_proc,pg_constraint,pg_attrdef,pg_policy,pg_trigger,pg_class,pg_statistic_ext}'),
        ('pg_opclass', '{pg_class,pg_type}'),
        ('pg_opfamily', '{pg_class}')) AS f(one, many)
), reached(catalog, id, mode, via_catalog, via_id, few) AS (
    -- Mode: a = any mention, w = only where something is written.
    -- `few` is always true. It makes the planner expect few rows: it cannot know how little a recursion finds, and for
    -- the cost that it would expect, it would spend seconds on compiling the query (jit).
    SELECT s.catalog, s.id, s.mode, ''::pg_catalog.name, 0::pg_catalog.oid, s.few
    FROM ({seeds}) AS s(catalog, id, mode, few)
    WHERE s.few = 1 AND NOT EXISTS (SELECT FROM barrier b WHERE b.catalog = s.catalog AND b.id = s.id)
    UNION
    SELECT e.catalog, e.id, e.mode, r.catalog, r.id, 1 FROM reached r CROSS JOIN LATERAL (
        -- A function whose body is kept parsed may write to what it depends on.
        SELECT c.relname AS catalog, d.objid AS id, CASE WHEN c.relname = 'pg_proc' THEN 'a' ELSE r.mode END AS mode
        FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.classid
        WHERE d.refclassid = (SELECT o.oid FROM pg_catalog.pg_class o
                              WHERE o.relname = r.catalog AND o.relnamespace = 'pg_catalog'::pg_catalog.regnamespace)
          AND d.refobjid = r.id AND d.deptype <> 'e'
          AND EXISTS (SELECT FROM followed f WHERE f.from_catalog = r.catalog AND f.catalog = c.relname)
          AND (r.mode = 'a' OR c.relname = ANY ('{pg_rewrite,pg_proc}'::pg_catalog.name[]))
        UNION ALL
        SELECT 'pg_class', w.ev_class, CASE WHEN w.ev_type = '1' THEN r.mode ELSE 'w' END
        FROM pg_catalog.pg_rewrite w JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
        WHERE r.catalog = 'pg_rewrite' AND w.oid = r.id AND c.relkind <> 'm'
        UNION ALL
        SELECT 'pg_class', a.adrelid, CASE WHEN t.attgenerated = 'v' THEN 'a' ELSE 'w' END
        FROM pg_catalog.pg_attrdef a JOIN pg_catalog.pg_class c ON c.oid = a.adrelid
        JOIN pg_catalog.pg_attribute t ON t.attrelid = a.adrelid AND t.attnum = a.adnum
        WHERE r.catalog = 'pg_attrdef' AND a.oid = r.id
          AND (t.attgenerated = 'v' OR c.relpersistence = 't' OR ({folds} AND a.adbin::pg_catalog.text ~ {constant}))
        UNION ALL
        SELECT 'pg_class', k.conrelid, CASE WHEN {folds} AND k.conbin::pg_catalog.text ~ {constant} THEN 'a' ELSE 'w' END
        FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
        WHERE r.catalog = 'pg_constraint' AND k.oid = r.id
          AND (c.relpersistence = 't' OR ({folds} AND k.conbin::pg_catalog.text ~ {constant}))
        UNION ALL
        SELECT 'pg_type', k.contypid, 'a' FROM pg_catalog.pg_constraint k
        WHERE r.catalog = 'pg_constraint' AND k.oid = r.id AND k.contypid <> 0
        UNION ALL
        SELECT 'pg_class', p.polrelid, CASE WHEN p.polcmd = ANY ('{r,*}'::pg_catalog."char"[]) THEN 'a' ELSE 'w' END
        FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
        WHERE r.catalog = 'pg_policy' AND p.oid = r.id
          AND (c.relpersistence = 't' OR p.polcmd = ANY ('{r,*}'::pg_catalog."char"[]))
        UNION ALL
        SELECT 'pg_class', t.tgrelid, 'w' FROM pg_catalog.pg_trigger t
        JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        WHERE r.catalog = 'pg_trigger' AND t.oid = r.id AND c.relpersistence = 't'
        UNION ALL
        SELECT 'pg_class', i.indrelid,
               CASE WHEN r.via_catalog = ANY ('{pg_opclass,pg_opfamily}'::pg_catalog.name[])
                      OR ({folds} AND pg_catalog.concat(i.indexprs, i.indpred) ~ {constant})
                    THEN 'a' ELSE 'w' END
        FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
        WHERE r.catalog = 'pg_class' AND i.indexrelid = r.id
          AND (r.via_catalog = ANY ('{pg_opclass,pg_opfamily}'::pg_catalog.name[]) OR c.relpersistence = 't'
               OR ({folds} AND pg_catalog.concat(i.indexprs, i.indpred) ~ {constant}))
        UNION ALL
        SELECT 'pg_class', s.stxrelid, 'a' FROM pg_catalog.pg_statistic_ext s
        WHERE r.catalog = 'pg_statistic_ext' AND s.oid = r.id AND {folds} AND s.stxexprs::pg_catalog.text ~ {constant}
        UNION ALL
        SELECT 'pg_class', h.inhparent, r.mode FROM pg_catalog.pg_inherits h
        WHERE r.catalog = 'pg_class' AND h.inhrelid = r.id
        UNION ALL
        SELECT 'pg_opfamily', x.amprocfamily, 'a' FROM pg_catalog.pg_amproc x
        WHERE r.catalog = 'pg_amproc' AND x.oid = r.id
        UNION ALL
        SELECT 'pg_opfamily', x.amopfamily, 'a' FROM pg_catalog.pg_amop x WHERE r.catalog = 'pg_amop' AND x.oid = r.id
        UNION ALL
        SELECT 'pg_opclass', x.oid, 'a' FROM pg_catalog.pg_opclass x
        WHERE r.catalog = 'pg_opfamily' AND x.opcfamily = r.id
        UNION ALL
        -- Sorting, grouping and joining by these operators calls the family's functions.
        SELECT 'pg_operator', x.amopopr, 'a' FROM pg_catalog.pg_amop x
        WHERE r.catalog = 'pg_opfamily' AND x.amopfamily = r.id AND x.amopopr >= 16384
        UNION ALL
        SELECT 'pg_type', x.opcintype, 'a' FROM pg_catalog.pg_opclass x
        WHERE r.catalog = 'pg_opclass' AND x.oid = r.id AND x.opcintype >= 16384
        UNION ALL
        -- A cast is not named where it happens: its types stand for it.
        SELECT 'pg_type', t.id, 'a' FROM pg_catalog.pg_cast x
        CROSS JOIN LATERAL (VALUES (x.castsource), (x.casttarget)) AS t(id)
        WHERE r.catalog = 'pg_cast' AND x.oid = r.id AND t.id >= 16384
        UNION ALL
        -- Neither is an operator whose symbol the server itself uses.
        SELECT 'pg_type', t.id, 'a' FROM pg_catalog.pg_operator x
        CROSS JOIN LATERAL (VALUES (x.oprleft), (x.oprright)) AS t(id)
        WHERE r.catalog = 'pg_operator' AND x.oid = r.id AND t.id >= 16384
          AND EXISTS (SELECT FROM pg_catalog.pg_operator b WHERE b.oprname = x.oprname AND b.oid < 16384)
        UNION ALL
        SELECT 'pg_operator', t.id, 'a' FROM pg_catalog.pg_operator x
        CROSS JOIN LATERAL (VALUES (x.oprcom), (x.oprnegate)) AS t(id)
        WHERE r.catalog = 'pg_operator' AND x.oid = r.id AND t.id >= 16384
        UNION ALL
        -- The elements of an array, the relation of a row type, the row type of a composite.
        SELECT 'pg_type', t.typelem, 'a' FROM pg_catalog.pg_type t
        WHERE r.catalog = 'pg_type' AND t.oid = r.id AND t.typelem >= 16384
        UNION ALL
        SELECT 'pg_class', t.typrelid, 'a' FROM pg_catalog.pg_type t
        WHERE r.catalog = 'pg_type' AND t.oid = r.id AND t.typrelid <> 0
        UNION ALL
        SELECT 'pg_type', c.reltype, 'a' FROM pg_catalog.pg_class c
        WHERE r.catalog = 'pg_class' AND c.oid = r.id AND c.relkind = 'c' AND r.mode = 'a'
    ) AS e(catalog, id, mode)
    WHERE NOT EXISTS (SELECT FROM barrier b WHERE b.catalog = e.catalog AND b.id = e.id)
), column_names(name) AS MATERIALIZED (
    SELECT DISTINCT a.attname FROM pg_catalog.pg_attribute a
    WHERE a.attrelid >= 16384 AND a.attnum >= 1
      AND NOT (a.attrelid = ANY (SELECT r.id FROM reached r WHERE r.catalog = 'pg_class'))
)
SELECT r.catalog::pg_catalog.text, r.id::pg_catalog.text, r.mode, r.via_catalog::pg_catalog.text,
       r.via_id::pg_catalog.text, d.kind, d.schema::pg_catalog.text, d.name::pg_catalog.text, d.extra,
       CASE WHEN d.name = ANY (SELECT k.name FROM column_names k)
              OR EXISTS (SELECT FROM pg_catalog.pg_proc p WHERE p.proname = d.name AND p.oid < 16384)
              OR EXISTS (SELECT FROM pg_catalog.pg_get_keywords() AS w WHERE w.word = d.name::pg_catalog.text)
            THEN 'common' END,
       x.extname::pg_catalog.text
FROM reached r LEFT JOIN LATERAL (
    SELECT c.relkind::pg_catalog.text AS kind, n.nspname AS schema, c.relname AS name, NULL::pg_catalog.text AS extra
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE r.catalog = 'pg_class' AND c.oid = r.id
    UNION ALL
    SELECT CASE WHEN t.typname = ANY ('{trigger,event_trigger}'::pg_catalog.name[]) THEN 't'
                ELSE p.prokind::pg_catalog.text END,
           n.nspname, p.proname, {arguments}
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_type t ON t.oid = p.prorettype
    WHERE r.catalog = 'pg_proc' AND p.oid = r.id
    UNION ALL
    SELECT t.typtype::pg_catalog.text, n.nspname, t.typname, NULL
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE r.catalog = 'pg_type' AND t.oid = r.id
    UNION ALL
    -- Kind: s = stands for itself, t = its types stand for it.
    SELECT CASE WHEN (o.oprleft >= 16384 OR o.oprright >= 16384)
                 AND EXISTS (SELECT FROM pg_catalog.pg_operator b WHERE b.oprname = o.oprname AND b.oid < 16384)
                THEN 't' ELSE 's' END,
           n.nspname, o.oprname, pg_catalog.concat_ws(', ', lt.typname, rt.typname)
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    LEFT JOIN pg_catalog.pg_type lt ON lt.oid = o.oprleft
    LEFT JOIN pg_catalog.pg_type rt ON rt.oid = o.oprright
    WHERE r.catalog = 'pg_operator' AND o.oid = r.id
    UNION ALL
    SELECT CASE WHEN x.castsource >= 16384 OR x.casttarget >= 16384 THEN 't' ELSE 's' END, '', tt.typname,
           st.typname::pg_catalog.text
    FROM pg_catalog.pg_cast x JOIN pg_catalog.pg_type st ON st.oid = x.castsource
    JOIN pg_catalog.pg_type tt ON tt.oid = x.casttarget
    WHERE r.catalog = 'pg_cast' AND x.oid = r.id
) AS d ON true
LEFT JOIN LATERAL (
    SELECT e.extname FROM pg_catalog.pg_depend m JOIN pg_catalog.pg_class c ON c.oid = m.classid
    JOIN pg_catalog.pg_extension e ON e.oid = m.refobjid
    WHERE c.relname = r.catalog AND c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace AND m.objid = r.id
      AND m.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND m.deptype = 'e'
) AS x ON true
WHERE r.few = 1
