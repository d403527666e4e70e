#include "eval/pair_text.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/count.h"
#include "base/file.h"
#include "eval/word_lines.h"

namespace prefiqs::eval {
namespace {

// Words of a line, which stay valid with the file's text.
struct Line {
  std::size_t number = 0;
  std::vector<std::string> words;
};
using Lines = std::vector<Line>;

// Names may hold spaces where something else stands between words.
std::string_view SeparatorsOf(const std::string& path) {
  const std::string first = FirstLine(path);
  for (const std::string_view separator : {",", ";", "\t"}) {
    if (first.find(separator) != std::string::npos) return separator;
  }
  return " ";
}

Lines WordsOf(const std::string& path, std::string_view separator) {
  Lines lines;
  ForEachLine(path, separator == " " ? std::string(" \t\r") : std::string(separator) + "\r",
              [&](std::size_t number, std::span<const std::string_view> words) {
                Line& line = lines.emplace_back(Line{number, {}});
                for (const std::string_view word : words) line.words.emplace_back(Trimmed(word));
              });
  return lines;
}

// "0" or "1".
std::optional<bool> Label(std::string_view word) {
  if (word != "0" && word != "1") return std::nullopt;
  return word == "1";
}

// The number behind a picture's name: 0 is of two people, any other of one.
bool IsNumbered(const Line& line) { return line.words.size() == 2 && WholeNumber(line.words[1]).has_value(); }

// AJ_Cook_1 -> AJ_Cook; nothing where there is no number behind the last _.
std::optional<std::string> PersonOf(const std::string& name) {
  const std::string file = name.substr(name.rfind('/') + 1);
  const std::size_t underscore = file.rfind('_');
  if (underscore == std::string::npos || underscore == 0 || !WholeNumber(file.substr(underscore + 1))) return {};
  return file.substr(0, underscore);
}

// Names tell who people are only if they agree with all pairs.
void TakePeopleFromNames(PairList& list) {
  std::vector<std::pair<std::string, std::string>> people;
  for (const NamedPair& pair : list.pairs) {
    const auto first = PersonOf(pair.first), second = PersonOf(pair.second);
    if (!first || !second || (*first == *second) != pair.mated) return;
    people.emplace_back(*first, *second);
  }
  for (std::size_t i = 0; i < people.size(); ++i) {
    list.pairs[i].first_identity = people[i].first;
    list.pairs[i].second_identity = people[i].second;
  }
}

std::string LfwName(const std::string& path, std::size_t line, const std::string& person, const std::string& number) {
  const auto index = WholeNumber(number);
  if (!index) FailAtLine(path, line, fmt::format("{} is no picture's number", Printable(number)));
  return fmt::format("{}/{}_{:04}", person, person, *index);
}

bool IsLfw(const Lines& lines) {
  const Line& first = lines.front();
  if (first.words.size() > 2) return false;
  return std::ranges::all_of(first.words, [](const std::string& word) { return WholeNumber(word).value_or(0) > 0; });
}

PairList FromLfw(const std::string& path, const Lines& lines) {
  PairList list;
  const std::uint32_t first = *WholeNumber(lines[0].words[0]);
  const bool folded = lines[0].words.size() > 1;
  list.folds = folded ? first : 0;
  const std::uint64_t half = folded ? *WholeNumber(lines[0].words[1]) : first;
  for (const auto& [number, words] : std::span(lines).subspan(1)) {
    NamedPair pair;
    if (words.size() == 3) {
      pair = {LfwName(path, number, words[0], words[1]), LfwName(path, number, words[0], words[2]), words[0], words[0]};
      pair.mated = true;
    } else if (words.size() == 4) {
      pair = {LfwName(path, number, words[0], words[1]), LfwName(path, number, words[2], words[3]), words[0], words[2]};
    } else {
      FailAtLine(path, number,
                 fmt::format("{}; a pair has 3 (NAME I J) or 4 (NAME I OTHER J)", Count(words.size(), "word")));
    }
    pair.line = number;
    pair.fold = folded ? static_cast<std::uint32_t>(list.pairs.size() / (2 * half)) : 0;
    list.pairs.push_back(std::move(pair));
  }
  const std::uint64_t wanted = 2 * half * (folded ? list.folds : 1);
  if (list.pairs.size() != wanted) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {}, its first line says {}", Printable(path),
                                            Count(list.pairs.size(), "pair"), wanted));
  }
  return list;
}

bool IsTwoLines(const Lines& lines) { return lines.size() >= 2 && IsNumbered(lines[0]) && IsNumbered(lines[1]); }

PairList FromTwoLines(const std::string& path, const Lines& lines) {
  PairList list;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    if (!IsNumbered(line)) FailAtLine(path, line.number, "not a picture's name and a number, as the lines before");
    if (i % 2 == 0) {
      if (i + 1 == lines.size()) FailAtLine(path, line.number, "the second line of this pair is missing");
      continue;
    }
    const Line& first = lines[i - 1];
    if (first.words[1] != line.words[1]) {
      FailAtLine(path, line.number,
                 fmt::format("the pair's first line, {}, says {}, and this one {}", first.number,
                             Printable(first.words[1]), Printable(line.words[1])));
    }
    list.pairs.push_back({.first = NameOf(first.words[0]), .second = NameOf(line.words[0])});
    list.pairs.back().mated = *WholeNumber(line.words[1]) != 0;
    list.pairs.back().line = first.number;
  }
  TakePeopleFromNames(list);
  return list;
}

bool IsLabelLast(const Lines& lines) { return lines[0].words.size() == 3 && Label(lines[0].words[2]).has_value(); }
bool IsLabelFirst(const Lines& lines) { return lines[0].words.size() == 3 && Label(lines[0].words[0]).has_value(); }

// Three words a line, of which `label` is 1 or 0.
PairList FromThreeWords(const std::string& path, const Lines& lines, std::size_t label) {
  PairList list;
  for (const auto& [number, words] : lines) {
    const auto mated = words.size() == 3 ? Label(words[label]) : std::nullopt;
    if (!mated) {
      FailAtLine(path, number,
                 fmt::format("not two names and 1 or 0 {}, as the first line has them",
                             label == 0 ? "in front" : "behind them"));
    }
    list.pairs.push_back({.first = NameOf(words[label == 0 ? 1 : 0]), .second = NameOf(words[label == 0 ? 2 : 1])});
    list.pairs.back().mated = *mated;
    list.pairs.back().line = number;
  }
  return list;
}

struct Form {
  std::string_view name;   // what the file is taken for
  std::string_view lines;  // what its lines are, for who has another one
  std::size_t words;       // of a usual line
  bool (*fits)(const Lines& lines);
  PairList (*read)(const std::string& path, const Lines& lines);
};

// The first that fits is taken. A line of LFW's form without the line of numbers in front would be read as three words.
constexpr std::array kForms{
    Form{"LFW's pairs.txt", "LFW: a line FOLDS PAIRS, then NAME I J and NAME I OTHER J", 4, IsLfw, FromLfw},
    Form{"two lines a pair, as CPLFW and CALFW have them", "CPLFW, CALFW: FILE LABEL, two such lines a pair", 2,
         IsTwoLines, FromTwoLines},
    Form{"lines PATH PATH LABEL", "PATH PATH LABEL, 1 for one person and 0 for two", 3, IsLabelLast,
         [](const std::string& path, const Lines& lines) { return FromThreeWords(path, lines, 2); }},
    Form{"lines LABEL PATH PATH", "LABEL PATH PATH, 1 for one person and 0 for two", 3, IsLabelFirst,
         [](const std::string& path, const Lines& lines) { return FromThreeWords(path, lines, 0); }},
};

}  // namespace

PairList ReadPairText(const std::string& path) {
  const Lines lines = WordsOf(path, SeparatorsOf(path));
  if (lines.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: no pairs", Printable(path)));
  for (const Form& form : kForms) {
    if (!form.fits(lines)) continue;
    PairList list = form.read(path, lines);
    list.form = form.name;
    return list;
  }
  const auto distance = [&](const Form& form) {
    const std::size_t words = lines[0].words.size();
    return words > form.words ? words - form.words : form.words - words;
  };
  const Form& nearest = *std::ranges::min_element(kForms, {}, distance);
  std::string known;
  for (const Form& form : kForms) known += fmt::format("; {}", form.lines);
  FailAtLine(path, lines[0].number,
             fmt::format("{}, of no known form. The nearest is: {}. All of them: a CSV file with the columns "
                         "file_a, file_b and mated{}",
                         Count(lines[0].words.size(), "word"), nearest.lines, known));
}

}  // namespace prefiqs::eval
