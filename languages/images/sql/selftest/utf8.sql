SELECT 'żółć, 中文 🚀';
