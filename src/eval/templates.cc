#include "eval/templates.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "eval/pair_list.h"
#include "eval/word_lines.h"

namespace prefiqs::eval {
namespace {

constexpr std::string_view kSeparators = " \t\r";

std::uint32_t IdIn(const std::string& path, std::size_t line, std::string_view word, std::string_view what) {
  const auto id = WholeNumber(word);
  if (!id) FailAtLine(path, line, fmt::format("{} is no {}'s number", Printable(word), what));
  return *id;
}

// 0 where there is no direction, as in a row of NaN.
double Length(std::span<const double> values) {
  double squares = 0;
  for (const double v : values) squares += v * v;
  return std::isfinite(squares) ? std::sqrt(squares) : 0;
}

}  // namespace

TemplatePairs ReadTemplatePairs(const std::string& path) {
  TemplatePairs pairs;
  pairs.path = path;
  std::unordered_map<std::uint32_t, std::uint32_t> number;
  ForEachLine(path, kSeparators, [&](std::size_t line, std::span<const std::string_view> words) {
    if (words.size() != 3) FailAtLine(path, line, fmt::format("{} words; a pair has 3: TID TID LABEL", words.size()));
    const auto find = [&](std::string_view word) {
      const std::uint32_t id = IdIn(path, line, word, "template");
      const auto [entry, is_new] = number.emplace(id, static_cast<std::uint32_t>(pairs.ids.size()));
      if (is_new) {
        pairs.ids.push_back(id);
        pairs.lines.push_back(line);
      }
      return entry->second;
    };
    const std::uint32_t first = find(words[0]), second = find(words[1]);
    if (first == second) FailAtLine(path, line, fmt::format("template {} with itself", pairs.ids[first]));
    if (words[2] != "0" && words[2] != "1") {
      FailAtLine(path, line, fmt::format("the label is {}; 1 for one person, 0 for two", Printable(words[2])));
    }
    pairs.comparisons.first.push_back(first);
    pairs.comparisons.second.push_back(second);
    pairs.comparisons.mated.push_back(words[2] == "1");
  });
  if (pairs.ids.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: no pairs", Printable(path)));
  return pairs;
}

std::vector<TemplatePicture> ReadTemplatePictures(const std::string& path, const TemplatePairs& pairs) {
  std::unordered_map<std::uint32_t, std::uint32_t> number;
  for (std::uint32_t i = 0; i < pairs.ids.size(); ++i) number.emplace(pairs.ids[i], i);
  std::vector<TemplatePicture> pictures;
  std::vector<bool> has_pictures(pairs.ids.size());
  ForEachLine(path, kSeparators, [&](std::size_t line, std::span<const std::string_view> words) {
    if (words.size() != 3) FailAtLine(path, line, fmt::format("{} words; a picture has 3: NAME TID MID", words.size()));
    const std::uint32_t id = IdIn(path, line, words[1], "template"), medium = IdIn(path, line, words[2], "medium");
    const auto found = number.find(id);
    if (found == number.end()) return;
    has_pictures[found->second] = true;
    pictures.push_back({NameOf(words[0]), found->second, medium});
  });
  for (std::size_t i = 0; i < pairs.ids.size(); ++i) {
    if (has_pictures[i]) continue;
    throw Error(ErrorCode::kUsage, fmt::format("{}: line {}: template {} has no picture in {}", Printable(pairs.path),
                                               pairs.lines[i], pairs.ids[i], Printable(path)));
  }
  return pictures;
}

std::vector<std::vector<float>> TemplateEmbeddings(std::span<const NpyReader* const> added,
                                                   std::span<const std::size_t> row,
                                                   std::vector<TemplateMember> members, std::size_t templates) {
  const std::size_t columns = added[0]->columns();
  // Files are read from start to end, and sums do not depend on the order of a list's lines.
  const auto place = [&](const TemplateMember& m) { return std::tuple(row[m.image], m.of, m.medium); };
  std::ranges::sort(members, {}, place);
  const auto for_each_embedding = [&](auto&& take) {
    std::vector<float> part(columns);
    std::vector<double> embedding(columns);
    std::optional<std::size_t> held;
    bool usable = false;
    for (const TemplateMember& m : members) {
      if (held != row[m.image]) {
        held = row[m.image];
        std::ranges::fill(embedding, 0.0);
        for (const NpyReader* file : added) {
          file->ReadRow(*held, part);
          for (std::size_t k = 0; k < columns; ++k) embedding[k] += part[k];
        }
        usable = Length(embedding) > 0;
      }
      if (usable) take(m, std::as_const(embedding));
    }
  };
  // Read twice: what a picture weighs depends on how many others of its medium there are.
  const auto medium = [](const TemplateMember& m) { return std::uint64_t{m.of} << 32 | m.medium; };
  std::unordered_map<std::uint64_t, std::uint32_t> of_medium;
  for_each_embedding([&](const TemplateMember& m, const auto&) { ++of_medium[medium(m)]; });
  std::vector<double> sums(templates * columns);
  for_each_embedding([&](const TemplateMember& m, const std::vector<double>& embedding) {
    const double weight = 1.0 / of_medium[medium(m)];
    double* const sum = sums.data() + m.of * columns;
    for (std::size_t k = 0; k < columns; ++k) sum[k] += weight * embedding[k];
  });
  std::vector<std::vector<float>> units(templates);
  for (std::size_t t = 0; t < templates; ++t) {
    const auto sum = std::span(sums).subspan(t * columns, columns);
    const double length = Length(sum);
    if (length == 0) continue;
    units[t].reserve(columns);
    for (const double v : sum) units[t].push_back(static_cast<float>(v / length));
  }
  return units;
}

std::vector<float> TemplateQualities(std::span<const float> quality, std::span<const TemplateMember> members,
                                     std::size_t templates, bool skip_missing) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> lowest(templates, kNone);
  std::vector<bool> seen(templates);
  for (const TemplateMember& m : members) {
    const float q = quality[m.image];
    if (std::isnan(q) && skip_missing) continue;
    if (!seen[m.of] || std::isnan(q) || q < lowest[m.of]) lowest[m.of] = q;  // nothing is less than NaN
    seen[m.of] = true;
  }
  return lowest;
}

}  // namespace prefiqs::eval
