// out_of_scope.txt: which cases need not pass, and why.
#ifndef PREFIQS_TESTS_CONFORMANCE_SCOPE_H_
#define PREFIQS_TESTS_CONFORMANCE_SCOPE_H_

#include <string>
#include <vector>

#include "cases.h"

namespace prefiqs::conformance {

struct Exclusion {
  bool of_operator = false;  // else of the cases whose name fits `pattern`
  std::string pattern;       // an operator; or a name in which * stands for anything
  std::string reason;
};

class Scope {
 public:
  // Lines: "op NAME REASON", "case PATTERN REASON"; # begins a comment. Throws std::runtime_error.
  explicit Scope(const std::string& path);

  // Null for a case that must pass. A name comes before operators.
  const Exclusion* Find(const Case& one) const;

  const std::vector<Exclusion>& exclusions() const { return exclusions_; }

 private:
  std::vector<Exclusion> exclusions_;
};

}  // namespace prefiqs::conformance

#endif  // PREFIQS_TESTS_CONFORMANCE_SCOPE_H_
