process.stdout.write("y".repeat(500000));
process.exit(0);
