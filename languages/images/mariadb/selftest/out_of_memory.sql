SET max_heap_table_size = 4294967296;
CREATE TABLE kept (text varchar(1000)) ENGINE = MEMORY;
INSERT INTO kept SELECT REPEAT('y', 1000) FROM seq_1_to_1000000;
