say "żółć, 中文 🚀";
say $*IN.get;
