// Runs a form of a case on an executor.
#ifndef PREFIQS_TESTS_CONFORMANCE_RUN_CASE_H_
#define PREFIQS_TESTS_CONFORMANCE_RUN_CASE_H_

#include <string>

#include "cases.h"

namespace prefiqs::conformance {

enum class Outcome {
  kPassed,
  kRefused,  // Error(kModel): said no rather than compute
  kFailed,   // another result than expected, another error than it should be, or a crash within reach of a catch
};

struct CaseResult {
  Outcome outcome = Outcome::kFailed;
  std::string detail;  // unless passed
  int layers = 0;      // that the executor had to run
  int fallbacks = 0;   // of those, the ones it left to the reference kernels
};

enum class Kind { kReference, kOneDnn };

CaseResult RunForm(const Case& one, const Form& form, Kind kind);

}  // namespace prefiqs::conformance

#endif  // PREFIQS_TESTS_CONFORMANCE_RUN_CASE_H_
