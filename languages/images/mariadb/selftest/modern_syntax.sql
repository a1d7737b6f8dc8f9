CREATE TABLE part (
    at int PRIMARY KEY AUTO_INCREMENT,
    text varchar(20) NOT NULL CHECK (text <> ''),
    length int AS (CHAR_LENGTH(text)) STORED,
    id uuid NOT NULL DEFAULT UUID()
);
INSERT INTO part (at, text) VALUES (1, 'x') ON DUPLICATE KEY UPDATE text = VALUES(text);
REPLACE INTO part (at, text) VALUES (1, 'mod'), (2, 'ern');
DELIMITER //
CREATE PROCEDURE check_parts(IN expected int)
BEGIN
    IF (SELECT SUM(length) FROM part) <> expected THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'wrong';
    END IF;
END //
DELIMITER ;
CALL check_parts(6);
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2),
ranked AS (SELECT part.text, ROW_NUMBER() OVER (ORDER BY at) AS place FROM part JOIN numbers ON n = at)
SELECT GROUP_CONCAT(ranked.text ORDER BY place SEPARATOR '') AS text
FROM ranked JOIN JSON_TABLE('[1, 2]', '$[*]' COLUMNS (at int PATH '$')) AS j ON j.at = place;
