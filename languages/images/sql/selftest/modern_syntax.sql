CREATE TABLE part (at INTEGER PRIMARY KEY, text TEXT NOT NULL, long INTEGER GENERATED ALWAYS AS (length(text))) STRICT;
INSERT INTO part (at, text) VALUES (2, 'ern'), (1, 'x');
INSERT INTO part (at, text) VALUES (1, 'mod') ON CONFLICT (at) DO UPDATE SET text = excluded.text;
WITH RECURSIVE joined (at, text) AS (
    SELECT 0, '' UNION ALL
    SELECT part.at, joined.text || part.text FROM joined JOIN part ON part.at = joined.at + 1
), ranked AS (SELECT text, row_number() OVER (ORDER BY at DESC) AS place FROM joined)
SELECT text FROM ranked WHERE place = 1 AND json_array(1, 2) ->> 1 = 2;
