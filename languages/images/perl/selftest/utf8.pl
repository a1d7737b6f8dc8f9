use utf8;
use open qw(:std :encoding(UTF-8));

print "żółć, 中文 🚀\n";
print scalar <STDIN>;
