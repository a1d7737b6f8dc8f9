"""jobe's REST API, as Moodle's CodeRunner asks it: /jobe/index.php/restapi."""
