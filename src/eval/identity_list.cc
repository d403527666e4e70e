#include "eval/identity_list.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/count.h"
#include "base/file.h"
#include "eval/pair_list.h"
#include "eval/table_file.h"
#include "eval/word_lines.h"

namespace prefiqs::eval {
namespace {

constexpr std::string_view kTabs = "\t\r";
constexpr std::array<std::string_view, 3> kFoldColumns{"user_id", "original_image", "face_id"};

std::vector<NamedPerson> FromFold(const std::string& path) {
  std::vector<NamedPerson> people;
  bool header = true;
  ForEachLine(path, kTabs, [&](std::size_t line, std::span<const std::string_view> words) {
    if (std::exchange(header, false)) return;
    if (words.size() < kFoldColumns.size()) {
      FailAtLine(
          path, line,
          fmt::format("{}; a face has at least user_id, original_image, face_id", Count(words.size(), "column")));
    }
    const std::string_view user = words[0], image = words[1], face = words[2];
    if (!WholeNumber(face)) FailAtLine(path, line, fmt::format("face_id {} is no whole number", Printable(face)));
    NamedPerson& person = people.emplace_back(NamedPerson{{}, std::string(face), line});
    for (const std::string_view kind : {"landmark_aligned_face", "coarse_tilt_aligned_face"}) {
      person.names.push_back(NameOf(fmt::format("{}/{}.{}.{}", user, kind, face, image)));
    }
  });
  return people;
}

std::vector<NamedPerson> FromTable(const std::string& path) {
  const Table table = ReadTable(path);
  const std::size_t name = NameColumn(table), identity = table.Require("identity");
  std::vector<NamedPerson> people;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    if (table.rows[i][identity].empty()) FailAtLine(path, table.lines[i], "an empty identity");
    people.push_back({{NameOf(table.rows[i][name])}, table.rows[i][identity], table.lines[i]});
  }
  return people;
}

bool IsFold(const std::string& path) {
  bool first = true, is_fold = false;
  ForEachLine(path, kTabs, [&](std::size_t, std::span<const std::string_view> words) {
    if (!std::exchange(first, false) || words.size() < kFoldColumns.size()) return;
    is_fold = std::ranges::equal(kFoldColumns, words.first(kFoldColumns.size()));
  });
  return is_fold;
}

// FERET numbers its people by five digits, which its pictures' names begin with: 00001fa010_930831 of the grey ones,
// 00001_930831_fa_a of the coloured ones.
constexpr std::size_t kFeretDigits = 5;

std::optional<std::string> FeretPerson(std::string_view name) {
  const auto are = [&](std::size_t at, std::size_t count, char from, char to) {
    const std::string_view part = name.substr(std::min(at, name.size()), count);
    return part.size() == count && std::ranges::all_of(part, [&](char c) { return c >= from && c <= to; });
  };
  name.remove_prefix(name.rfind('/') + 1);
  const bool is_grey = are(kFeretDigits, 2, 'a', 'z') && are(kFeretDigits + 2, 3, '0', '9');
  const bool is_coloured = are(kFeretDigits, 1, '_', '_') && are(kFeretDigits + 1, 6, '0', '9');
  if (!are(0, kFeretDigits, '0', '9') || !(is_grey || is_coloured)) return std::nullopt;
  return std::string(name.substr(0, kFeretDigits));
}

bool IsFeret(const std::string& path) {
  const std::string first = FirstLine(path);
  return FeretPerson(std::string_view(first).substr(0, first.find_first_of(" \t"))).has_value();
}

// One picture a line, or, as .srt files have them, all pictures of a person.
std::vector<NamedPerson> FromFeret(const std::string& path) {
  std::vector<NamedPerson> people;
  ForEachLine(path, "\r", [&](std::size_t line, std::span<const std::string_view> whole) {
    std::string_view rest = Trimmed(whole[0]);
    while (!rest.empty()) {  // of a person there may be more pictures than a line of ForEachLine() has words
      std::string_view word = rest.substr(0, rest.find_first_of(" \t"));
      rest = Trimmed(rest.substr(word.size()));
      const std::optional<std::string> person = FeretPerson(word);
      if (!person) {
        FailAtLine(path, line,
                   fmt::format("{} is no name of FERET's as those before: five digits and a kind (00001fa010), or five "
                               "digits and a date (00001_930831_fa)",
                               Printable(word)));
      }
      for (const std::string_view packed : {".bz2", ".gz"}) {
        if (word.ends_with(packed)) word.remove_suffix(packed.size());
      }
      people.push_back({{NameOf(word)}, *person, line});
    }
  });
  return people;
}

}  // namespace

std::vector<NamedPerson> ReadIdentities(const std::string& path) {
  std::vector<NamedPerson> people = IsFold(path) ? FromFold(path) : IsFeret(path) ? FromFeret(path) : FromTable(path);
  if (people.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: no pictures", Printable(path)));
  return people;
}

}  // namespace prefiqs::eval
