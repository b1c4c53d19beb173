WITH sharp(id, name) AS MATERIALIZED (
    -- Built-in functions that could do more than compute. All that act on the server are volatile; the exceptions read
    -- what a text names. (Those that every second table has as a default are left out.)
    SELECT p.oid, p.proname FROM pg_catalog.pg_proc p
    WHERE p.oid < 16384 AND (p.provolatile = 'v' OR p.proname ~ '_to_xml|^ts_rewrite$|^pg_input_')
      AND p.proname <> ALL ('{nextval,currval,lastval,setval,random,clock_timestamp,timeofday,gen_random_uuid,uuidv4,
                              uuidv7}'::pg_catalog.name[])
), member(routine, extension) AS MATERIALIZED (
    SELECT d.objid, e.extname FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'
), stored(catalog, id, tree) AS (
    SELECT 'pg_rewrite', r.oid, pg_catalog.concat(r.ev_qual, ' ', r.ev_action) FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    WHERE r.oid >= 16384 AND c.relkind <> 'm'
    UNION ALL
    SELECT 'pg_proc', p.oid, pg_catalog.concat(p.prosqlbody, ' ', p.proargdefaults) FROM pg_catalog.pg_proc p
    WHERE p.oid >= 16384 AND (p.prosqlbody IS NOT NULL OR p.proargdefaults IS NOT NULL)
    UNION ALL
    SELECT 'pg_constraint', k.oid, k.conbin::pg_catalog.text FROM pg_catalog.pg_constraint k
    WHERE k.oid >= 16384 AND k.conbin IS NOT NULL
    UNION ALL
    SELECT 'pg_attrdef', a.oid, a.adbin::pg_catalog.text FROM pg_catalog.pg_attrdef a WHERE a.oid >= 16384
    UNION ALL
    SELECT 'pg_policy', p.oid, pg_catalog.concat(p.polqual, ' ', p.polwithcheck) FROM pg_catalog.pg_policy p
    UNION ALL
    SELECT 'pg_class', i.indexrelid, pg_catalog.concat(i.indexprs, ' ', i.indpred) FROM pg_catalog.pg_index i
    WHERE i.indexrelid >= 16384 AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)
    UNION ALL
    SELECT 'pg_type', t.oid, t.typdefaultbin::pg_catalog.text FROM pg_catalog.pg_type t
    WHERE t.oid >= 16384 AND t.typdefaultbin IS NOT NULL
    UNION ALL
    SELECT 'pg_trigger', t.oid, t.tgqual::pg_catalog.text FROM pg_catalog.pg_trigger t WHERE t.tgqual IS NOT NULL
), used(catalog, id, name) AS (
    SELECT s.catalog, s.id, f.name FROM stored s
    CROSS JOIN LATERAL pg_catalog.regexp_matches(s.tree, ':funcid ([0-9]+)', 'g') AS m(found)
    JOIN sharp f ON f.id = (m.found)[1]::pg_catalog.oid
    UNION ALL
    -- The one command that a rule can hold.
    SELECT s.catalog, s.id, 'pg_notify' FROM stored s
    WHERE s.catalog = 'pg_rewrite' AND s.tree ~ ':utilityStmt [{]'
    UNION ALL
    SELECT 'pg_operator', o.oid, f.name FROM pg_catalog.pg_operator o JOIN sharp f ON f.id = o.oprcode
    WHERE o.oid >= 16384
    UNION ALL
    SELECT 'pg_cast', c.oid, f.name FROM pg_catalog.pg_cast c JOIN sharp f ON f.id = c.castfunc WHERE c.oid >= 16384
    UNION ALL
    SELECT 'pg_proc', a.aggfnoid::pg_catalog.oid, f.name FROM pg_catalog.pg_aggregate a
    JOIN sharp f ON f.id = ANY (ARRAY[a.aggtransfn::pg_catalog.oid, a.aggfinalfn, a.aggcombinefn, a.aggmtransfn,
                                      a.aggminvtransfn, a.aggmfinalfn])
    WHERE a.aggfnoid >= 16384
    UNION ALL
    SELECT 'pg_amproc', x.oid, f.name FROM pg_catalog.pg_amproc x JOIN sharp f ON f.id = x.amproc WHERE x.oid >= 16384
    UNION ALL
    -- Members of extensions that are harmless but for some functions.
    SELECT c.relname, d.objid, p.proname FROM member m
    JOIN pg_catalog.pg_proc p ON p.oid = m.routine
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.refobjid = p.oid
    JOIN pg_catalog.pg_class c ON c.oid = d.classid
    WHERE m.extension = ANY ({mixed}) AND d.deptype <> 'e'
      AND c.relname = ANY ('{pg_rewrite,pg_proc,pg_operator,pg_cast,pg_type,pg_constraint,pg_attrdef,pg_policy,
                             pg_trigger,pg_class,pg_amproc}'::pg_catalog.name[])
    UNION ALL
    -- An UPDATE of pg_settings is a call of set_config, also inside a function whose body the server keeps parsed.
    SELECT 'pg_proc', d.objid, 'set_config' FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid >= 16384
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = 'pg_catalog.pg_settings'::pg_catalog.regclass
), routine AS (
    SELECT p.*, m.extension, r.typname AS result, l.lanname FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    JOIN pg_catalog.pg_type r ON r.oid = p.prorettype
    LEFT JOIN member m ON m.routine = p.oid
    WHERE p.oid >= 16384 AND p.prokind <> 'a'
)
SELECT 'routine', p.oid::pg_catalog.text, n.nspname::pg_catalog.text, p.proname::pg_catalog.text,
       {arguments}, p.lanname::pg_catalog.text,
       p.extension::pg_catalog.text, pg_catalog.array_to_string(p.proconfig, ' '),
       CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE '' END
FROM routine p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE (p.extension IS NULL OR p.extension <> ALL ({clean}))
  AND (p.extension IS NULL OR p.extension <> ALL ({mixed}) OR p.result = 'trigger')
  AND (p.extension IS NULL OR p.extension <> ALL ({compiled}) OR p.lanname <> ALL ('{c,internal}'::pg_catalog.name[]))
  AND p.result <> ALL ('{language_handler,fdw_handler,index_am_handler,table_am_handler,tsm_handler}'::pg_catalog.name[])
  -- Nobody calls a trigger function but a trigger, and only those of temporary tables can still fire.
  AND (p.result <> 'trigger' OR EXISTS (
        SELECT FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
        WHERE t.tgfoid = p.oid AND c.relpersistence = 't'))
  AND (p.result <> 'event_trigger' OR EXISTS (
        SELECT FROM pg_catalog.pg_event_trigger t
        WHERE t.evtfoid = p.oid AND t.evtevent = 'login' AND t.evtenabled <> 'D'))
UNION ALL
SELECT DISTINCT 'use', u.catalog::pg_catalog.text, u.id::pg_catalog.text, u.name::pg_catalog.text,
       NULL, NULL, NULL, NULL, NULL
FROM used u
UNION ALL
SELECT 'foreign', t.ftrelid::pg_catalog.text, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_foreign_table t
JOIN pg_catalog.pg_foreign_server s ON s.oid = t.ftserver
JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN pg_catalog.pg_proc h ON h.oid = w.fdwhandler
-- A table over a plain file only reads it.
WHERE h.proname IS NULL OR h.proname <> 'file_fdw_handler'
   OR EXISTS (SELECT FROM pg_catalog.unnest(t.ftoptions) AS o(setting)
              WHERE pg_catalog.starts_with(o.setting, 'program='))
UNION ALL
-- An UPDATE through such a view reaches the rule of pg_settings.
SELECT 'settings', r.ev_class::pg_catalog.text, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.ev_class >= 16384 AND r.ev_type = '1'
  AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
  AND d.refobjid = 'pg_catalog.pg_settings'::pg_catalog.regclass
  AND (pg_catalog.pg_relation_is_updatable(r.ev_class::pg_catalog.regclass, false) & 4) = 4
UNION ALL
SELECT 'login', t.evtfoid::pg_catalog.text, t.evtname::pg_catalog.text, NULL, NULL, NULL, NULL, NULL, NULL
FROM pg_catalog.pg_event_trigger t WHERE t.evtevent = 'login' AND t.evtenabled <> 'D'
UNION ALL
-- Two views of the server's own show whether expressions are still stored in the form that is searched here.
SELECT 'strange', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                  WHERE r.ev_class = 'pg_catalog.pg_settings'::pg_catalog.regclass AND r.ev_type = '1'
                    AND r.ev_action::pg_catalog.text ~ ':utilityStmt <>.*:funcid [0-9]+ .*:args <>')
   OR NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r
                  WHERE r.ev_class = 'pg_catalog.pg_tables'::pg_catalog.regclass AND r.ev_type = '1'
                    AND r.ev_action::pg_catalog.text ~ ':args [(][{].*[{]CONST')
