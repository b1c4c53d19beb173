SELECT w.catalog, w.id::pg_catalog.text, t.text
FROM ({wanted}) AS w(catalog, id) CROSS JOIN LATERAL (
    SELECT pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r WHERE w.catalog = 'pg_rewrite' AND r.oid = w.id
    UNION ALL
    SELECT pg_catalog.concat(pg_catalog.pg_get_function_sqlbody(p.oid), '; SELECT ',
                             pg_catalog.pg_get_expr(p.proargdefaults, 0))
    FROM pg_catalog.pg_proc p WHERE w.catalog = 'pg_proc' AND p.oid = w.id AND p.prokind <> 'a'
    UNION ALL
    SELECT pg_catalog.concat('SELECT ', pg_catalog.pg_get_expr(k.conbin, k.conrelid))
    FROM pg_catalog.pg_constraint k WHERE w.catalog = 'pg_constraint' AND k.oid = w.id
    UNION ALL
    SELECT pg_catalog.concat('SELECT ', pg_catalog.pg_get_expr(a.adbin, a.adrelid))
    FROM pg_catalog.pg_attrdef a WHERE w.catalog = 'pg_attrdef' AND a.oid = w.id
    UNION ALL
    SELECT pg_catalog.concat('SELECT ', pg_catalog.concat_ws(', ', pg_catalog.pg_get_expr(p.polqual, p.polrelid),
                                                             pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)))
    FROM pg_catalog.pg_policy p WHERE w.catalog = 'pg_policy' AND p.oid = w.id
) AS t(text)
