SELECT 'Hello from PostgreSQL!' AS greeting;
