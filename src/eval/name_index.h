// Finding pictures by the names that lists have for them.
#ifndef PREFIQS_EVAL_NAME_INDEX_H_
#define PREFIQS_EVAL_NAME_INDEX_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace prefiqs::eval {

// A name stands for the path that it is the end of, folder by folder and without extensions: Ann/Ann_0001 for
// /data/lfw/images/Ann/Ann_0001.jpg.
class NameIndex {
 public:
  explicit NameIndex(std::span<const std::string> paths);

  // Number of the path; empty where there is none. Throws Error(kUsage) where several paths have that end.
  std::optional<std::uint32_t> Find(std::string_view name) const;

 private:
  std::vector<std::string> names_;                                      // of the paths, as NameOf has them
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_end_;  // by their last component, and last two
};

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_NAME_INDEX_H_
