SELECT 'Hello from MariaDB!' AS greeting;
