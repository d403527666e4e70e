#include "eval/name_index.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include "base/file.h"
#include "eval/pair_list.h"

namespace prefiqs::eval {
namespace {

// The last `count` components; empty where there are fewer.
std::string_view End(std::string_view name, int count) {
  std::size_t at = name.size();
  for (int i = 0; i < count; ++i) {
    if (at == 0 || at == std::string_view::npos) return {};
    at = name.rfind('/', at - 1);
  }
  return at == std::string_view::npos ? name : name.substr(at + 1);
}

bool Ends(std::string_view path, std::string_view name) {
  return path.ends_with(name) && (path.size() == name.size() || path[path.size() - name.size() - 1] == '/');
}

}  // namespace

NameIndex::NameIndex(std::span<const std::string> paths) {
  names_.reserve(paths.size());
  for (const std::string& path : paths) names_.push_back(NameOf(path));
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    for (const int count : {1, 2}) {
      if (const std::string_view end = End(names_[i], count); !end.empty()) by_end_[std::string(end)].push_back(i);
    }
  }
}

std::optional<std::uint32_t> NameIndex::Find(std::string_view name) const {
  const std::string_view two = End(name, 2);
  const auto found = by_end_.find(std::string(two.empty() ? name : two));
  if (found == by_end_.end()) return std::nullopt;
  std::optional<std::uint32_t> match;
  for (const std::uint32_t i : found->second) {
    if (!Ends(names_[i], name)) continue;
    if (match && *match != i) {
      throw Error(ErrorCode::kUsage, fmt::format("{} may be {} or {}", Printable(std::string(name)),
                                                 Printable(names_[*match]), Printable(names_[i])));
    }
    match = i;
  }
  return match;
}

}  // namespace prefiqs::eval
