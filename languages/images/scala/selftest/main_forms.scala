import scala.collection.mutable

case class Word(text: String)

def said(word: Word): String = word.text

val words = mutable.Buffer(Word("ri"), Word("ght"))
println(words.map(said).mkString)
