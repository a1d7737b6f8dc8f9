def text: "from another file";
