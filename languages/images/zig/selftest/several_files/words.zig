pub const three = "three";
