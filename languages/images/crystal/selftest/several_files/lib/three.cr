def three
  {% if flag?(:three) %} "three" {% else %} "no flag" {% end %}
end
