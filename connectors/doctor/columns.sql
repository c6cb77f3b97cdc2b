-- The columns of one table as our role sees them. $1 qualified table.
SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type,
       has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS readable,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisvalid AND i.indkey[0] = a.attnum)
           AS indexed
  FROM pg_attribute a
 WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
