def forever: forever;

"started", forever
