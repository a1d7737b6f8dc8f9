\pset format unaligned
\pset tuples_only on
SELECT 'collections: ' || string_agg(letter || '=' || count, ' ' ORDER BY letter)
FROM (SELECT letter, count(*) FROM unnest(ARRAY['a', 'a', 'b']) AS letters (letter) GROUP BY letter) AS counts;
SELECT 'regex: ' || array_to_string(regexp_match('on 2024-03-01', '(\d{4})-(\d{2})'), ' ');
SELECT 'json: ' || replace(('{"list": [1, 2, 3]}'::jsonb -> 'list')::text, ' ', '');
SELECT 'bigint: ' || round(2::numeric ^ 100);
SELECT 'sort: ' || string_agg(fruit, ' ' ORDER BY fruit) FROM (VALUES ('pear'), ('fig'), ('apple')) AS fruits (fruit);
SELECT 'date: ' || (DATE '2024-02-28' + 2);
