#include "eval/identity_list.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
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

}  // namespace

std::vector<NamedPerson> ReadIdentities(const std::string& path) {
  std::vector<NamedPerson> people = IsFold(path) ? FromFold(path) : FromTable(path);
  if (people.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: no pictures", Printable(path)));
  return people;
}

}  // namespace prefiqs::eval
