def text: "two";
