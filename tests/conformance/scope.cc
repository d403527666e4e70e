#include "scope.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace prefiqs::conformance {

Scope::Scope(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string kind;
    Exclusion exclusion;
    words >> kind >> exclusion.pattern >> std::ws;
    std::getline(words, exclusion.reason);
    if ((kind != "op" && kind != "case") || exclusion.reason.empty()) {
      throw std::runtime_error(fmt::format("{}:{}: op NAME REASON, or case PATTERN REASON", path, number));
    }
    exclusion.of_operator = kind == "op";
    exclusions_.push_back(std::move(exclusion));
  }
}

const Exclusion* Scope::Find(const Case& one) const {
  for (const bool of_operator : {false, true}) {
    for (const Exclusion& exclusion : exclusions_) {
      if (exclusion.of_operator != of_operator) continue;
      const bool fits =
          of_operator ? std::find(one.operators.begin(), one.operators.end(), exclusion.pattern) != one.operators.end()
                      : fnmatch(exclusion.pattern.c_str(), one.name.c_str(), 0) == 0;
      if (fits) return &exclusion;
    }
  }
  return nullptr;
}

}  // namespace prefiqs::conformance
