void main() {
    IO.println("żółć, 中文 🚀");
    IO.println(IO.readln());
}
