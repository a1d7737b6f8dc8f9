def text: "three";
