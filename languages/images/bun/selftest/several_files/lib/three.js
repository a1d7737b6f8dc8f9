exports.three = () => "three";
