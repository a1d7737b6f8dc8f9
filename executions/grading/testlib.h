// A header for checkers, interactors, validators and generators of programming problems, written anew: it has the
// interface that such programs know as testlib.h, so that they compile and answer as their authors expect.
//
// A checker is started with input, output and answer as arguments, reads them as inf, ouf and ans, and ends with quit,
// quitf or quitp: the exit code is the verdict, and the message goes to stderr. An interactor reads the program that it
// talks to as ouf, and prints to it on stdout. What is wrong in a file that is not the program's is the author's fault:
// whatever is found there ends with _fail.
#ifndef TESTLIB_H
#define TESTLIB_H

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <limits>
#include <map>
#include <queue>
#include <set>
#include <sstream>
#include <stack>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#define LF ((char) 10)
#define CR ((char) 13)
#define TAB ((char) 9)
#define SPACE ((char) ' ')
#define EOFC (255)

#ifndef OK_EXIT_CODE
#define OK_EXIT_CODE 0
#endif
#ifndef WA_EXIT_CODE
#define WA_EXIT_CODE 1
#endif
#ifndef PE_EXIT_CODE
#define PE_EXIT_CODE 2
#endif
#ifndef FAIL_EXIT_CODE
#define FAIL_EXIT_CODE 3
#endif
#ifndef DIRT_EXIT_CODE
#define DIRT_EXIT_CODE 4
#endif
#ifndef POINTS_EXIT_CODE
#define POINTS_EXIT_CODE 7
#endif
#ifndef UNEXPECTED_EOF_EXIT_CODE
#define UNEXPECTED_EOF_EXIT_CODE 8
#endif

#define TESTLIB_PRINTF(text, values) __attribute__((format(printf, text, values)))

enum TResult {
    _ok = 0,
    _wa = 1,
    _pe = 2,
    _fail = 3,
    _dirt = 4,
    _points = 5,
    _unexpected_eof = 8,
    _partially = 16  // and above: a percentage
};

#define _pc(percentage) (TResult(_partially + (percentage)))

enum TMode { _input, _output, _answer };
enum TTestlibMode { _unknown, _checker, _validator, _generator, _interactor, _scorer };

// Texts.

TESTLIB_PRINTF(1, 0) inline std::string testlib_vformat(const char *text, va_list values) {
    va_list again;
    va_copy(again, values);
    int length = std::vsnprintf(nullptr, 0, text, again);
    va_end(again);
    if (length < 0) return "";
    std::string result(static_cast<size_t>(length) + 1, '\0');
    std::vsnprintf(&result[0], result.size(), text, values);
    result.resize(static_cast<size_t>(length));
    return result;
}

#define TESTLIB_FORMAT(text, result)                  \
    std::string result;                               \
    do {                                              \
        va_list values_;                              \
        va_start(values_, text);                      \
        (result) = testlib_vformat(text, values_);    \
        va_end(values_);                              \
    } while (0)

TESTLIB_PRINTF(1, 2) inline std::string testlib_text(const char *text, ...) {
    TESTLIB_FORMAT(text, result);
    return result;
}

// Templates, so that they are the better match beside std::format where a program uses all of std.
template <typename... Values>
std::string format(const char *text, Values... values) {
    return testlib_text(text, values...);
}

template <typename... Values>
std::string format(const std::string &text, Values... values) {
    return testlib_text(text.c_str(), values...);
}

inline std::string englishEnding(int x) {
    x %= 100;
    if (x / 10 == 1) return "th";
    if (x % 10 == 1) return "st";
    if (x % 10 == 2) return "nd";
    if (x % 10 == 3) return "rd";
    return "th";
}

inline bool isEof(int c) { return c == EOFC || c < 0; }
inline bool isEoln(int c) { return c == LF || c == CR; }
inline bool isBlanks(int c) { return c == LF || c == CR || c == SPACE || c == TAB; }

inline char upperCase(char c) { return 'a' <= c && c <= 'z' ? char(c - 'a' + 'A') : c; }
inline char lowerCase(char c) { return 'A' <= c && c <= 'Z' ? char(c - 'A' + 'a') : c; }

inline std::string upperCase(std::string s) {
    for (char &c : s) c = upperCase(c);
    return s;
}

inline std::string lowerCase(std::string s) {
    for (char &c : s) c = lowerCase(c);
    return s;
}

inline std::string trim(const std::string &s) {
    size_t from = 0, to = s.size();
    while (from < to && isBlanks(static_cast<unsigned char>(s[from]))) from++;
    while (to > from && isBlanks(static_cast<unsigned char>(s[to - 1]))) to--;
    return s.substr(from, to - from);
}

// As much of a text as a message should show.
inline std::string compress(const std::string &s) {
    const size_t most = 64;
    if (s.size() <= most) return s;
    return s.substr(0, 30) + "..." + s.substr(s.size() - 31);
}

inline std::vector<std::string> split(const std::string &s, char separator) {
    std::vector<std::string> parts(1);
    for (char c : s) {
        if (c == separator)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

inline std::vector<std::string> split(const std::string &s, const std::string &separators) {
    std::vector<std::string> parts(1);
    for (char c : s) {
        if (separators.find(c) != std::string::npos)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

template <typename Separators>
std::vector<std::string> tokenize(const std::string &s, const Separators &separators) {
    std::vector<std::string> parts;
    for (const std::string &part : split(s, separators))
        if (!part.empty()) parts.push_back(part);
    return parts;
}

template <typename Iterator, typename Separator>
std::string join(Iterator first, Iterator last, Separator separator) {
    std::ostringstream text;
    for (Iterator each = first; each != last; ++each) {
        if (each != first) text << separator;
        text << *each;
    }
    return text.str();
}

template <typename Collection, typename Separator>
std::string join(const Collection &collection, Separator separator) {
    return join(collection.begin(), collection.end(), separator);
}

template <typename Collection>
std::string join(const Collection &collection) {
    return join(collection, ' ');
}

template <typename T>
std::string vtos(const T &value) {
    std::ostringstream text;
    text << value;
    return text.str();
}

template <typename T>
std::string toString(const T &value) {
    return vtos(value);
}

inline std::string testlib_without_zeros(std::string s) {
    if (s.find('.') == std::string::npos) return s;
    while (s.back() == '0') s.pop_back();
    if (s.back() == '.') s.pop_back();
    return s;
}

// Numbers.

inline bool doubleCompare(double expected, double result, double error) {
    const double slack = 1e-15;
    if (std::isnan(expected)) return std::isnan(result);
    if (std::isinf(expected)) return std::isinf(result) && (expected > 0) == (result > 0);
    if (std::isnan(result) || std::isinf(result)) return false;
    if (std::fabs(result - expected) <= error + slack) return true;
    double one = expected * (1.0 - error), other = expected * (1.0 + error);
    return result >= std::min(one, other) - slack && result <= std::max(one, other) + slack;
}

inline double doubleDelta(double expected, double result) {
    double absolute = std::fabs(result - expected);
    if (std::fabs(expected) > 1e-9) return std::min(absolute, std::fabs(absolute / expected));
    return absolute;
}

// Patterns of tokens and lines: characters, [classes], (this|that), and counts {2}, {1,5}, ?, * and +.

class pattern {
  public:
    explicit pattern(std::string s) : source(std::move(s)) {}

    bool matches(const std::string &text) const {
        for (size_t end : after(0, source.size(), text, {0}))
            if (end == text.size()) return true;
        return false;
    }

    std::string src() const { return source; }

  private:
    typedef std::set<size_t> Ends;
    std::string source;

    // Where in the text one of the alternatives in source[from, to) can end that begins at one of `starts`.
    Ends after(size_t from, size_t to, const std::string &text, const Ends &starts) const {
        Ends all;
        size_t begin = from;
        int depth = 0;
        bool in_class = false;
        for (size_t at = from; at <= to; at++) {
            char c = at < to ? source[at] : '|';
            if (at < to && c == '\\') {
                at++;
                continue;
            }
            if (at < to) {
                if (in_class) {
                    in_class = c != ']';
                    continue;
                }
                if (c == '[') in_class = true;
                if (c == '(') depth++;
                if (c == ')') depth--;
            }
            if (c == '|' && depth == 0) {
                Ends these = sequence(begin, at, text, starts);
                all.insert(these.begin(), these.end());
                begin = at + 1;
            }
        }
        return all;
    }

    Ends sequence(size_t from, size_t to, const std::string &text, Ends ends) const {
        while (from < to && !ends.empty()) {
            size_t item = from, item_end = skip_item(from, to);
            int least = 1, most = 1;
            from = counts(item_end, to, least, most);
            ends = repeated(item, item_end, least, most, text, ends);
        }
        return ends;
    }

    Ends repeated(size_t item, size_t item_end, int least, int most, const std::string &text, Ends ends) const {
        Ends all;
        if (least == 0) all = ends;
        for (int time = 1; (most < 0 || time <= most) && !ends.empty(); time++) {
            ends = once(item, item_end, text, ends);
            if (time < least) continue;
            size_t before = all.size();
            all.insert(ends.begin(), ends.end());
            if (most < 0 && all.size() == before) break;
        }
        return all;
    }

    Ends once(size_t item, size_t item_end, const std::string &text, const Ends &starts) const {
        if (source[item] == '(') return after(item + 1, item_end - 1, text, starts);
        Ends ends;
        for (size_t start : starts)
            if (start < text.size() && fits(item, item_end, text[start])) ends.insert(start + 1);
        return ends;
    }

    bool fits(size_t item, size_t item_end, char c) const {
        if (source[item] == '\\') return source[item + 1] == c;
        if (source[item] != '[') return source[item] == c;
        size_t at = item + 1, end = item_end - 1;
        bool negated = at < end && source[at] == '^';
        if (negated) at++;
        bool found = false;
        while (at < end) {
            if (source[at] == '\\') at++;
            char low = source[at], high = low;
            if (at + 2 < end && source[at + 1] == '-') {
                at += 2;
                if (source[at] == '\\') at++;
                high = source[at];
            }
            at++;
            found = found || (low <= c && c <= high);
        }
        return found != negated;
    }

    size_t skip_item(size_t from, size_t to) const {
        char opening = source[from], closing = opening == '[' ? ']' : ')';
        if (opening == '\\') return std::min(to, from + 2);
        if (opening != '[' && opening != '(') return from + 1;
        int depth = 0;
        for (size_t at = from; at < to; at++) {
            if (source[at] == '\\') {
                at++;
                continue;
            }
            if (opening == '(' && source[at] == '(') depth++;
            if (source[at] == closing && (opening == '[' || --depth == 0)) return at + 1;
        }
        std::fprintf(stderr, "FAIL a pattern that does not end: %s\n", source.c_str());
        std::exit(FAIL_EXIT_CODE);
    }

    size_t counts(size_t at, size_t to, int &least, int &most) const {
        if (at >= to) return at;
        char c = source[at];
        if (c == '?' || c == '*' || c == '+') {
            least = c == '+' ? 1 : 0;
            most = c == '?' ? 1 : -1;
            return at + 1;
        }
        if (c != '{') return at;
        size_t end = source.find('}', at);
        if (end == std::string::npos) return at;
        std::string inside = source.substr(at + 1, end - at - 1);
        size_t comma = inside.find(',');
        least = std::atoi(inside.c_str());
        most = comma == std::string::npos ? least : comma + 1 < inside.size() ? std::atoi(inside.c_str() + comma + 1) : -1;
        return end + 1;
    }
};

// Streams.

class InStream {
  public:
    TMode mode = _input;
    std::string name;
    bool strict = false;
    bool opened = false;

    ~InStream() { close(); }
    InStream() = default;
    InStream(const InStream &) = delete;
    InStream &operator=(const InStream &) = delete;

    void init(const std::string &file_name, TMode stream_mode) {
        prepare(file_name, stream_mode);
        descriptor = ::open(file_name.c_str(), O_RDONLY);
        opened = descriptor >= 0;
        if (!opened) quit(stream_mode == _output ? _pe : _fail, "File not found: \"" + file_name + "\"");
    }

    void init(std::FILE *file, TMode stream_mode) {
        prepare("", stream_mode);
        descriptor = ::fileno(file);
        opened = true;
    }

    void close() {
        if (descriptor > 2) ::close(descriptor);
        descriptor = -1;
    }

    void reset() {
        buffer.clear();
        at = 0;
        at_end = false;
        lines = 1;
        if (descriptor >= 0) ::lseek(descriptor, 0, SEEK_SET);
    }

    // What the files of several test cases in one are told by, in messages.
    void setTestCase(int number) { test_case = number; }

    // Characters.

    int curChar() { return peek() < 0 ? EOFC : peek(); }
    int readChar() { return nextChar(); }

    int nextChar() {
        int c = peek();
        if (c < 0) return EOFC;
        at++;
        if (c == LF) lines++;
        return c;
    }

    int readChar(char expected) {
        int found = nextChar();
        if (found != static_cast<unsigned char>(expected))
            quit(_pe, "Unexpected character #" + vtos(found) + ", but '" + std::string(1, expected) + "' expected");
        return found;
    }

    int readSpace() { return readChar(' '); }

    void unreadChar(char c) {
        if (at > 0)
            at--;
        else
            buffer.insert(buffer.begin(), c);
        if (c == LF) lines--;
    }

    void skipChar() { nextChar(); }

    void skipBlanks() {
        while (isBlanks(peek())) nextChar();
    }

    bool eof() { return peek() < 0; }

    bool seekEof() {
        skipBlanks();
        return eof();
    }

    bool eoln() { return strict ? peek() == LF : eof() || isEoln(peek()); }

    bool seekEoln() {
        while (peek() == SPACE || peek() == TAB) nextChar();
        return eoln();
    }

    void nextLine() { readLine(); }

    void readEoln() {
        if (!eoln()) quit(_pe, "Expected EOLN");
        end_line();
    }

    void readEof() {
        if (!eof()) quit(_pe, "Expected EOF");
        eof_was_read = true;
    }

    bool eofWasRead() const { return eof_was_read; }
    int getLine() const { return lines; }

    // Words.

    std::string readWord() {
        std::string word;
        readWordTo(word);
        return word;
    }

    void readWordTo(std::string &word) {
        if (!strict) skipBlanks();
        if (eof()) quit(_unexpected_eof, "Unexpected end of file - token expected");
        if (isBlanks(peek())) quit(_pe, "Unexpected white-space - token expected");
        word.clear();
        while (!eof() && !isBlanks(peek())) word += static_cast<char>(nextChar());
    }

    std::string readWord(const pattern &p, const std::string &variable = "") {
        std::string word = readWord();
        ensure_matches(word, p, "Token", variable);
        return word;
    }

    std::string readWord(const std::string &p, const std::string &variable = "") {
        return readWord(pattern(p), variable);
    }

    void readWordTo(std::string &word, const std::string &p, const std::string &variable = "") {
        word = readWord(p, variable);
    }

    std::vector<std::string> readWords(int size, const std::string &p = "", const std::string &variable = "") {
        return several<std::string>(size, [&](int) { return p.empty() ? readWord() : readWord(p, variable); });
    }

    std::string readToken() { return readWord(); }
    std::string readToken(const pattern &p, const std::string &variable = "") { return readWord(p, variable); }
    std::string readToken(const std::string &p, const std::string &variable = "") { return readWord(p, variable); }
    void readTokenTo(std::string &word) { readWordTo(word); }

    void readTokenTo(std::string &word, const std::string &p, const std::string &variable = "") {
        readWordTo(word, p, variable);
    }

    std::vector<std::string> readTokens(int size, const std::string &p = "", const std::string &variable = "") {
        return readWords(size, p, variable);
    }

    // Lines.

    std::string readLine() {
        std::string line;
        readLineTo(line);
        return line;
    }

    void readLineTo(std::string &line) {
        if (eof()) quit(_unexpected_eof, "Expected line");
        line.clear();
        while (!eof() && peek() != LF) line += static_cast<char>(nextChar());
        if (!eof())
            nextChar();
        else if (strict)
            quit(_pe, "Expected EOLN");
        if (!strict && !line.empty() && line.back() == CR) line.pop_back();
    }

    std::string readLine(const std::string &p, const std::string &variable = "") {
        std::string line = readLine();
        ensure_matches(line, pattern(p), "Line", variable);
        return line;
    }

    std::string readLine(const pattern &p, const std::string &variable = "") { return readLine(p.src(), variable); }
    std::string readString() { return readLine(); }
    std::string readString(const std::string &p, const std::string &variable = "") { return readLine(p, variable); }
    std::string readString(const pattern &p, const std::string &variable = "") { return readLine(p, variable); }
    void readStringTo(std::string &line) { readLineTo(line); }

    std::vector<std::string> readLines(int size, const std::string &p = "", const std::string &variable = "") {
        return several<std::string>(size, [&](int) { return p.empty() ? readLine() : readLine(p, variable); });
    }

    std::vector<std::string> readStrings(int size, const std::string &p = "", const std::string &variable = "") {
        return readLines(size, p, variable);
    }

    // Whole numbers.

    long long readLong() { return whole(readWord(), LLONG_MIN, LLONG_MAX, "int64"); }
    int readInteger() { return static_cast<int>(whole(readWord(), INT_MIN, INT_MAX, "int32")); }
    int readInt() { return readInteger(); }

    unsigned long long readUnsignedLong() {
        std::string word = readWord();
        bool good = !word.empty() && word.size() <= 20 && (word.size() == 1 || word[0] != '0');
        for (char c : word) good = good && '0' <= c && c <= '9';
        errno = 0;
        unsigned long long value = good ? std::strtoull(word.c_str(), nullptr, 10) : 0;
        if (!good || errno == ERANGE) quit(_pe, "Expected uint64, but \"" + compress(word) + "\" found");
        return value;
    }

    long long readLong(long long low, long long high, const std::string &variable = "") {
        return within(readLong(), low, high, variable, "Integer");
    }

    unsigned long long readUnsignedLong(unsigned long long low, unsigned long long high, const std::string &variable = "") {
        return within(readUnsignedLong(), low, high, variable, "Unsigned integer");
    }

    int readInteger(int low, int high, const std::string &variable = "") {
        return within(readInteger(), low, high, variable, "Integer");
    }

    int readInt(int low, int high, const std::string &variable = "") { return readInteger(low, high, variable); }

    std::vector<int> readIntegers(int size, int low, int high, const std::string &variable = "", int index = 1) {
        return several<int>(size, [&](int i) { return readInt(low, high, indexed(variable, index + i)); });
    }

    std::vector<int> readInts(int size, int low, int high, const std::string &variable = "", int index = 1) {
        return readIntegers(size, low, high, variable, index);
    }

    std::vector<int> readInts(int size) {
        return several<int>(size, [&](int) { return readInt(); });
    }

    std::vector<int> readIntegers(int size) { return readInts(size); }

    std::vector<long long> readLongs(int size, long long low, long long high, const std::string &variable = "", int index = 1) {
        return several<long long>(size, [&](int i) { return readLong(low, high, indexed(variable, index + i)); });
    }

    std::vector<long long> readLongs(int size) {
        return several<long long>(size, [&](int) { return readLong(); });
    }

    // Real numbers.

    double readReal() { return real(readWord()); }
    double readDouble() { return readReal(); }

    double readReal(double low, double high, const std::string &variable = "") {
        return within(readReal(), low, high, variable, "Double");
    }

    double readDouble(double low, double high, const std::string &variable = "") { return readReal(low, high, variable); }

    std::vector<double> readReals(int size, double low, double high, const std::string &variable = "", int index = 1) {
        return several<double>(size, [&](int i) { return readReal(low, high, indexed(variable, index + i)); });
    }

    std::vector<double> readDoubles(int size, double low, double high, const std::string &variable = "", int index = 1) {
        return readReals(size, low, high, variable, index);
    }

    std::vector<double> readDoubles(int size) {
        return several<double>(size, [&](int) { return readDouble(); });
    }

    // Digits only, and so many of them behind the point.
    double readStrictReal(double low, double high, int fewest, int most, const std::string &variable = "") {
        std::string word = readWord();
        size_t point = word.find('.');
        int behind = point == std::string::npos ? 0 : static_cast<int>(word.size() - point - 1);
        bool digits = !word.empty() && std::isdigit(static_cast<unsigned char>(word.back())) != 0;
        for (size_t i = 0; i < word.size(); i++)
            digits = digits && (std::isdigit(static_cast<unsigned char>(word[i])) != 0 || i == point || (i == 0 && word[i] == '-'));
        if (!digits || behind < fewest || behind > most)
            quit(_pe, "Expected strict double with " + vtos(fewest) + ".." + vtos(most) + " digits after the point, but \"" +
                          compress(word) + "\" found");
        return within(real(word), low, high, variable, "Strict double");
    }

    double readStrictDouble(double low, double high, int fewest, int most, const std::string &variable = "") {
        return readStrictReal(low, high, fewest, most, variable);
    }

    // Endings.

    [[noreturn]] void quit(TResult result, const std::string &message);
    [[noreturn]] void quits(TResult result, const std::string &message) { quit(result, message); }

    [[noreturn]] TESTLIB_PRINTF(3, 4) void quitf(TResult result, const char *text, ...) {
        TESTLIB_FORMAT(text, message);
        quit(result, message);
    }

    TESTLIB_PRINTF(4, 5) void quitif(bool condition, TResult result, const char *text, ...) {
        if (!condition) return;
        TESTLIB_FORMAT(text, message);
        quit(result, message);
    }

    TESTLIB_PRINTF(3, 4) void ensuref(bool condition, const char *text, ...) {
        if (condition) return;
        TESTLIB_FORMAT(text, message);
        quit(_wa, message);
    }

  private:
    int descriptor = -1;
    std::string buffer;
    size_t at = 0;
    bool at_end = false;
    bool eof_was_read = false;
    int lines = 1;
    int test_case = -1;

    void prepare(const std::string &file_name, TMode stream_mode) {
        close();
        mode = stream_mode;
        name = stream_mode == _input ? "input" : stream_mode == _output ? "output" : "answer";
        (void) file_name;
        reset();
    }

    // The next character, or -1. What a pipe has not said yet is waited for, and no more than that.
    int peek() {
        if (at == buffer.size() && !at_end) fill();
        return at < buffer.size() ? static_cast<unsigned char>(buffer[at]) : -1;
    }

    void fill() {
        char piece[1 << 16];
        ssize_t size;
        do {
            size = descriptor < 0 ? 0 : ::read(descriptor, piece, sizeof piece);
        } while (size < 0 && errno == EINTR);
        // One character stays, to be taken back.
        if (!buffer.empty()) buffer.erase(0, buffer.size() - 1);
        at = buffer.size();
        if (size > 0)
            buffer.append(piece, static_cast<size_t>(size));
        else
            at_end = true;
    }

    void end_line() {
        if (peek() == CR) nextChar();
        if (peek() == LF) nextChar();
    }

    void ensure_matches(const std::string &text, const pattern &p, const char *what, const std::string &variable) {
        if (p.matches(text)) return;
        std::string element = variable.empty() ? std::string(what) : std::string(what) + " parameter [name=" + variable + "]";
        quit(_wa, element + " \"" + compress(text) + "\" doesn't correspond to pattern \"" + compress(p.src()) + "\"");
    }

    // No sign but a minus, and no zeros in front.
    long long whole(const std::string &word, long long low, long long high, const char *what) {
        size_t first = !word.empty() && word[0] == '-' ? 1 : 0;
        bool good = word.size() > first && word.size() <= 20;
        for (size_t i = first; i < word.size(); i++) good = good && '0' <= word[i] && word[i] <= '9';
        if (good && word[first] == '0') good = word.size() == 1;
        errno = 0;
        long long value = good ? std::strtoll(word.c_str(), nullptr, 10) : 0;
        if (!good || errno == ERANGE || value < low || value > high)
            quit(_pe, std::string("Expected ") + what + ", but \"" + compress(word) + "\" found");
        return value;
    }

    double real(const std::string &word) {
        char *end = nullptr;
        double value = std::strtod(word.c_str(), &end);
        if (word.empty() || *end != '\0' || std::isnan(value) || std::isspace(static_cast<unsigned char>(word[0])))
            quit(_pe, "Expected double, but \"" + compress(word) + "\" found");
        return value;
    }

    template <typename T>
    T within(T value, T low, T high, const std::string &variable, const char *what) {
        if (low <= value && value <= high) return value;
        std::string element = variable.empty() ? std::string(what) : std::string(what) + " parameter [name=" + variable + "]";
        quit(_wa, element + " equals to " + vtos(value) + ", violates the range [" + vtos(low) + ", " + vtos(high) + "]");
    }

    static std::string indexed(const std::string &variable, int index) {
        return variable.empty() ? "" : variable + "[" + vtos(index) + "]";
    }

    // In a validator one space stands between two.
    template <typename T, typename Read>
    std::vector<T> several(int size, Read read) {
        std::vector<T> values;
        for (int i = 0; i < size; i++) {
            values.push_back(read(i));
            if (strict && i + 1 < size && !std::is_same<T, std::string>::value) readSpace();
        }
        return values;
    }
};

inline InStream inf;
inline InStream ouf;
inline InStream ans;
inline std::ofstream tout;
inline TTestlibMode testlibMode = _unknown;
inline std::string checkerName;
inline std::string testlib_report;
inline bool testlib_has_quit = false;

// Endings.

[[noreturn]] inline void testlib_end(TResult result, const std::string &message) {
    const char *word = "FAIL ";
    int code = FAIL_EXIT_CODE;
    std::string share;
    if (result == _ok) word = "ok ", code = OK_EXIT_CODE;
    if (result == _wa) word = "wrong answer ", code = WA_EXIT_CODE;
    if (result == _pe) word = "wrong output format ", code = PE_EXIT_CODE;
    if (result == _dirt) word = "wrong output format ", code = DIRT_EXIT_CODE;
    if (result == _points) word = "points ", code = POINTS_EXIT_CODE;
    if (result == _unexpected_eof) word = "unexpected eof ", code = UNEXPECTED_EOF_EXIT_CODE;
    if (result >= _partially) {
        word = "points ", code = POINTS_EXIT_CODE;
        share = vtos(result - _partially) + "% ";
    }
    testlib_has_quit = true;
    std::string text = word + share + message;
    std::fflush(stdout);
    std::cout.flush();
    if (tout.is_open()) tout.close();
    std::fprintf(stderr, "%s\n", text.c_str());
    if (!testlib_report.empty()) {
        std::ofstream report(testlib_report);
        report << text << '\n';
    }
    std::exit(code);
}

inline void InStream::quit(TResult result, const std::string &message) {
    std::string told = test_case < 0 ? message : message + " (test case " + vtos(test_case) + ")";
    if (mode != _output && result != _ok && result != _fail && result != _points && result < _partially) {
        if (testlibMode == _validator) told += " (stdin, line " + vtos(lines) + ")";
        testlib_end(_fail, testlibMode == _validator ? told : told + " (" + name + ")");
    }
    if (result == _ok && testlibMode == _checker && !ouf.seekEof())
        testlib_end(_dirt, "Extra information in the output file");
    testlib_end(result, told);
}

[[noreturn]] inline void quit(TResult result, const std::string &message) { ouf.quit(result, message); }
[[noreturn]] inline void quit(TResult result, const char *message) { ouf.quit(result, message); }

[[noreturn]] TESTLIB_PRINTF(2, 3) inline void quitf(TResult result, const char *text, ...) {
    TESTLIB_FORMAT(text, message);
    quit(result, message);
}

TESTLIB_PRINTF(3, 4) inline void quitif(bool condition, TResult result, const char *text, ...) {
    if (!condition) return;
    TESTLIB_FORMAT(text, message);
    quit(result, message);
}

[[noreturn]] inline void testlib_quit_points(double points, const std::string &message) {
    quit(_points, testlib_without_zeros(testlib_text("%.10f", points)) + (message.empty() ? "" : " " + message));
}

template <typename F>
[[noreturn]] void quitp(F points) {
    testlib_quit_points(static_cast<double>(points), "");
}

template <typename F>
[[noreturn]] TESTLIB_PRINTF(2, 3) void quitp(F points, const char *text, ...) {
    TESTLIB_FORMAT(text, message);
    testlib_quit_points(static_cast<double>(points), message);
}

[[noreturn]] inline void testlib_fail(const std::string &message) { testlib_end(_fail, message); }

inline void testlib_ensure(bool condition, const std::string &message) {
    if (!condition) testlib_fail(message);
}

#define ensure(condition) testlib_ensure(static_cast<bool>(condition), "Condition failed: \"" #condition "\"")

TESTLIB_PRINTF(2, 3) inline void ensuref(bool condition, const char *text, ...) {
    if (condition) return;
    TESTLIB_FORMAT(text, message);
    testlib_fail(message);
}

template <typename T>
[[noreturn]] void testlib_expected(TResult result, const T &expected, const T &found, const std::string &prefix) {
    std::ostringstream message;
    message << std::setprecision(12);
    if (!prefix.empty()) message << prefix << ": ";
    message << "expected '" << expected << "', found '" << found << "'";
    quit(result, message.str());
}

template <typename T>
[[noreturn]] TESTLIB_PRINTF(4, 5) void expectedButFound(TResult result, T expected, T found, const char *text, ...) {
    TESTLIB_FORMAT(text, prefix);
    testlib_expected(result, expected, found, prefix);
}

template <typename T>
[[noreturn]] void expectedButFound(TResult result, T expected, T found, const std::string &prefix = "") {
    testlib_expected(result, expected, found, prefix);
}

[[noreturn]] inline void expectedButFound(TResult result, const std::string &expected, const std::string &found,
                                          const std::string &prefix = "") {
    testlib_expected(result, compress(expected), compress(found), prefix);
}

// A program that just returns has said nothing.
struct TestlibGuard {
    ~TestlibGuard() {
        if (testlib_has_quit) return;
        bool validated = testlibMode == _validator && inf.eofWasRead();
        if (testlibMode == _validator && !validated) {
            std::fprintf(stderr, "FAIL a validator must end with readEof\n");
            std::_Exit(FAIL_EXIT_CODE);
        }
        if (testlibMode == _checker || testlibMode == _interactor) {
            std::fprintf(stderr, "FAIL a checker or interactor must end with quit or quitf\n");
            std::_Exit(FAIL_EXIT_CODE);
        }
    }
};
inline TestlibGuard testlib_guard;

// What a program is.

TESTLIB_PRINTF(1, 2) inline void setName(const char *text, ...) {
    TESTLIB_FORMAT(text, name);
    checkerName = name;
}

inline void registerTestlibCmd(int argc, char *argv[]) {
    testlibMode = _checker;
    if (argc < 4) testlib_fail("Program must be run with the following arguments: <input-file> <output-file> <answer-file> [<report-file>]");
    if (argc > 4) testlib_report = argv[4];
    inf.init(argv[1], _input);
    ouf.init(argv[2], _output);
    ans.init(argv[3], _answer);
}

inline void registerTestlib(int argc, ...) {
    va_list values;
    va_start(values, argc);
    std::vector<char *> argv(1, nullptr);
    for (int i = 0; i < argc; i++) argv.push_back(va_arg(values, char *));
    va_end(values);
    registerTestlibCmd(argc + 1, argv.data());
}

inline void registerInteraction(int argc, char *argv[]) {
    testlibMode = _interactor;
    if (argc < 3) testlib_fail("Program must be run with the following arguments: <input-file> <output-file> [<answer-file> [<report-file>]]");
    if (argc > 4) testlib_report = argv[4];
    inf.init(argv[1], _input);
    tout.open(argv[2]);
    if (!tout) testlib_fail(std::string("Can not write to the test-output-file '") + argv[2] + "'");
    ouf.init(stdin, _output);
    if (argc > 3) {
        ans.init(argv[3], _answer);
    } else {
        ans.mode = _answer;
        ans.name = "unopened answer stream";
    }
}

inline void registerValidation() {
    testlibMode = _validator;
    inf.init(stdin, _input);
    inf.strict = true;
}

inline void registerValidation(int, char *[]) { registerValidation(); }

// Random numbers: the same ones for the same arguments.

class random_t {
  public:
    void setSeed(int argc, char *argv[]) {
        seed = 3905348978240129619ULL;
        for (int i = 1; i < argc; i++) {
            for (const char *c = argv[i]; *c; c++) mix(static_cast<unsigned char>(*c));
            mix(256);
        }
    }

    void setSeed(long long value) { seed = static_cast<uint64_t>(value) ^ 0x5DEECE66DULL; }

    double next() { return static_cast<double>(bits() >> 11) / 9007199254740992.0; }
    int next(int n) { return static_cast<int>(below(checked(n))); }
    long long next(long long n) { return static_cast<long long>(below(checked(n))); }
    unsigned int next(unsigned int n) { return static_cast<unsigned int>(below(n)); }
    int next(int from, int to) { return static_cast<int>(from + static_cast<long long>(below(checked(1LL + to - from)))); }
    long long next(long long from, long long to) {
        return static_cast<long long>(static_cast<uint64_t>(from) + below(static_cast<uint64_t>(to) - static_cast<uint64_t>(from) + 1));
    }
    double next(double n) { return n * next(); }
    double next(double from, double to) { return from + (to - from) * next(); }

    // The greatest of so many, or the least for a negative count.
    int wnext(int n, int times) {
        int value = next(n);
        for (int i = 0; i < std::abs(times); i++) value = times > 0 ? std::max(value, next(n)) : std::min(value, next(n));
        return value;
    }
    int wnext(int from, int to, int times) { return from + wnext(to - from + 1, times); }

    template <typename Collection>
    typename Collection::value_type any(const Collection &collection) {
        auto each = collection.begin();
        std::advance(each, static_cast<long>(below(checked(static_cast<long long>(collection.size())))));
        return *each;
    }

    std::vector<int> perm(int size, int first = 0) {
        std::vector<int> values;
        for (int i = 0; i < size; i++) {
            values.push_back(first + i);
            std::swap(values[static_cast<size_t>(i)], values[static_cast<size_t>(next(i + 1))]);
        }
        return values;
    }

    template <typename T>
    std::vector<T> distinct(int size, T from, T to) {
        std::set<T> values;
        if (static_cast<long long>(size) > static_cast<long long>(to) - static_cast<long long>(from) + 1)
            testlib_fail("random_t::distinct: there are not so many");
        while (static_cast<int>(values.size()) < size) values.insert(next(from, to));
        std::vector<T> result(values.begin(), values.end());
        for (size_t i = 1; i < result.size(); i++) std::swap(result[i], result[static_cast<size_t>(next(static_cast<int>(i) + 1))]);
        return result;
    }

  private:
    uint64_t seed = 3905348978240129619ULL;

    void mix(uint64_t value) { seed = (seed ^ value) * 0x100000001B3ULL; }

    // Sebastiano Vigna's splitmix64.
    uint64_t bits() {
        uint64_t z = seed += 0x9E3779B97F4A7C15ULL;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
        return z ^ (z >> 31);
    }

    uint64_t checked(long long n) const {
        if (n <= 0) testlib_fail("random_t::next: there is nothing to choose from");
        return static_cast<uint64_t>(n);
    }

    uint64_t below(uint64_t n) {
        if (n == 0) return bits();
        uint64_t bound = UINT64_MAX - UINT64_MAX % n, value;
        do value = bits();
        while (value >= bound);
        return value % n;
    }
};

inline random_t rnd;

inline void registerGen(int argc, char *argv[], int) {
    testlibMode = _generator;
    rnd.setSeed(argc, argv);
}

template <typename Iterator>
void shuffle(Iterator first, Iterator last) {
    for (auto i = last - first; i > 1; i--) std::iter_swap(first + (i - 1), first + rnd.next(static_cast<int>(i)));
}

inline void startTest(int number) {
    if (!std::freopen(vtos(number).c_str(), "w", stdout)) testlib_fail("Unable to write a file for test " + vtos(number));
}

template <typename T>
void println(const T &value) {
    std::cout << value << std::endl;
}

template <typename T, typename... Rest>
void println(const T &first, const Rest &...rest) {
    std::cout << first << ' ';
    println(rest...);
}

#endif
