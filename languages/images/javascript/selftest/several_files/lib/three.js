module.exports = () => "three";
