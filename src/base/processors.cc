#include "base/processors.h"

#include <prefiqs/assessor.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>
#include <thread>
#include <vector>

namespace prefiqs {
namespace {

std::vector<std::string> SplitAt(char separator, const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// mountinfo writes space, tab, newline and backslash of a path as \ and three octal digits.
std::string Unescaped(const std::string& text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '7'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && is_digit(text[i + 1]) && is_digit(text[i + 2]) &&
        is_digit(text[i + 3])) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

enum class Version { kOne, kTwo };

// The process's group in each hierarchy that may limit CPU time. Lines are ID:CONTROLLERS:PATH; version 2 has ID 0 and
// no controllers.
std::map<Version, std::string> Groups(const std::string& root) {
  std::map<Version, std::string> groups;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (line.substr(0, first) == "0" && controllers.empty()) {
      groups[Version::kTwo] = path;
    } else if (Has(SplitAt(',', controllers), "cpu")) {
      groups[Version::kOne] = path;
    }
  }
  return groups;
}

struct Mount {
  Version version;
  std::string root;   // the group that is mounted
  std::string point;  // where
};

// Lines are ID PARENT DEVICE ROOT POINT OPTIONS... - TYPE SOURCE SUPER_OPTIONS, with any number of fields before the -.
std::vector<Mount> Mounts(const std::string& root) {
  std::vector<Mount> mounts;
  std::ifstream file(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::vector<std::string> fields = SplitAt(' ', line);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    const Mount mount{.version = dash[1] == "cgroup2" ? Version::kTwo : Version::kOne,
                      .root = Unescaped(fields[3]),
                      .point = Unescaped(fields[4])};
    const bool limits_cpu = dash[1] == "cgroup2" || (dash[1] == "cgroup" && Has(SplitAt(',', dash[3]), "cpu"));
    if (limits_cpu) mounts.push_back(mount);
  }
  return mounts;
}

std::optional<double> Number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0) return std::nullopt;
  return static_cast<double>(value);
}

std::vector<std::string> Words(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return SplitAt(' ', line);
}

// Of the group in this folder alone. No limit is "max" in version 2 and -1 in version 1.
std::optional<double> QuotaOf(Version version, const std::string& folder) {
  std::vector<std::string> words = Words(folder + (version == Version::kTwo ? "/cpu.max" : "/cpu.cfs_quota_us"));
  if (version == Version::kOne && words.size() == 1) {
    for (const std::string& word : Words(folder + "/cpu.cfs_period_us")) words.push_back(word);
  }
  if (words.size() != 2) return std::nullopt;
  const std::optional<double> quota = Number(words[0]), period = Number(words[1]);
  if (!quota || !period) return std::nullopt;
  return *quota / *period;
}

// The part of `group` below the group that is mounted. A group outside of it, as a container may see its own, has none:
// then the folder of the mount is as near as one can get.
std::string Below(const std::string& mounted, const std::string& group) {
  if (!group.starts_with('/') || group.find("/..") != std::string::npos) return {};
  if (mounted == "/") return group == "/" ? std::string() : group;
  if (!group.starts_with(mounted)) return {};
  const std::string rest = group.substr(mounted.size());
  return rest.empty() || rest.front() == '/' ? rest : std::string();
}

int ProcessorsOfAffinity() {
  // A set of the usual size is refused where the kernel knows of more processors than it has room for.
  for (std::size_t processors = CPU_SETSIZE; processors <= (std::size_t{1} << 20); processors *= 2) {
    std::vector<cpu_set_t> set(processors / CPU_SETSIZE);
    const std::size_t bytes = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, bytes, set.data()) == 0) return CPU_COUNT_S(bytes, set.data());
    if (errno != EINVAL) break;
  }
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

std::optional<double> CpuQuota(const std::string& root) {
  std::optional<double> least;
  const std::map<Version, std::string> groups = Groups(root);
  for (const Mount& mount : Mounts(root)) {
    const auto group = groups.find(mount.version);
    if (group == groups.end()) continue;
    for (std::string below = Below(mount.root, group->second);;) {
      const std::optional<double> quota = QuotaOf(mount.version, root + mount.point + below);
      if (quota && (!least || *quota < *least)) least = quota;
      if (below.empty()) break;
      below.resize(below.rfind('/'));
    }
  }
  return least;
}

int UsableProcessors() {
  static const int usable = [] {
    const double affinity = std::max(1, ProcessorsOfAffinity());
    return static_cast<int>(std::clamp(std::ceil(CpuQuota("").value_or(affinity)), 1.0, affinity));
  }();
  return usable;
}

int usable_processors() { return UsableProcessors(); }

}  // namespace prefiqs
