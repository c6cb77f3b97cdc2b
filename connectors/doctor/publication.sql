-- What publication $1 publishes: each table, whether with a column list, and the kinds of change.
SELECT format('%I.%I', n.nspname, c.relname) AS name, to_jsonb(r) ->> 'prattrs' IS NOT NULL AS column_list,
       c.relreplident::text AS identity, p.pubinsert AND p.pubupdate AND p.pubdelete AS all_changes
  FROM pg_publication p
  JOIN pg_publication_rel r ON r.prpubid = p.oid
  JOIN pg_class c ON c.oid = r.prrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE p.pubname = $1
