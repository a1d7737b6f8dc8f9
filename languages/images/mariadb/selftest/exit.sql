SELECT 'leaving';
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the end';
SELECT 'not here';
