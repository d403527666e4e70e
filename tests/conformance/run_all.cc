// Runs all cases: run_all CASES-FOLDER OUT_OF_SCOPE.TXT DOCUMENT [--write]
//
// Fails where a case in scope does not pass on both executors in all its forms; where one that is listed as out of
// scope passes in all forms on either; where a line of the list fits no case; and where the document does not say what
// ran.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <set>
#include <string>
#include <string_view>

#include "cases.h"
#include "document.h"
#include "ops/operator.h"
#include "run_case.h"
#include "scope.h"

namespace prefiqs::conformance {
namespace {

constexpr std::array kKinds{Kind::kReference, Kind::kOneDnn};
constexpr std::array<std::string_view, 2> kKindNames{"reference", "onednn"};

class Runner {
 public:
  Runner(const std::vector<Case>& cases, const Scope& scope) : cases_(cases), scope_(scope) {}

  void Run() {
    std::set<const Exclusion*> used;
    for (const Case& one : cases_) {
      const Exclusion* exclusion = scope_.Find(one);
      used.insert(exclusion);
      exclusion == nullptr ? RunInScope(one) : RunOutOfScope(one, *exclusion);
    }
    for (const Exclusion& exclusion : scope_.exclusions()) {
      if (used.count(&exclusion) == 0) Complain(fmt::format("out_of_scope: {} fits no case", exclusion.pattern));
      if (exclusion.of_operator && ops::Find(exclusion.pattern) != nullptr) {
        Complain(fmt::format("out_of_scope: {} is in the operator table", exclusion.pattern));
      }
    }
  }

  const Summary& summary() const { return summary_; }
  int complaints() const { return complaints_; }

 private:
  void Complain(const std::string& text) {
    ++complaints_;
    fmt::print("{}\n", text);
  }

  void RunInScope(const Case& one) {
    Tally tally{.cases = 1};
    for (const Form& form : one.forms) {
      ++tally.runs;
      for (const Kind kind : kKinds) {
        const CaseResult result = RunForm(one, form, kind);
        const bool onednn = kind == Kind::kOneDnn;
        if (result.outcome != Outcome::kPassed) {
          Complain(fmt::format("{} ({}) on {}: {}", one.name, form.name, kKindNames[onednn ? 1 : 0], result.detail));
          continue;
        }
        ++(onednn ? tally.passed_onednn : tally.passed_reference);
        if (!onednn) continue;
        tally.layers += result.layers;
        tally.fallbacks += result.fallbacks;
        tally.wholly_onednn += result.fallbacks == 0 ? 1 : 0;
      }
    }
    summary_.in_scope[one.source][one.operators.size() == 1 ? one.operators[0] : kSeveral] += tally;
  }

  void RunOutOfScope(const Case& one, const Exclusion& exclusion) {
    ExclusionTally& tally = summary_.out_of_scope[exclusion.reason][exclusion.pattern];
    ++tally.cases;
    bool refused = true;
    for (const Kind kind : kKinds) {
      bool passed = one.has_data;
      for (const Form& form : one.forms) {
        const CaseResult result = RunForm(one, form, kind);
        passed = passed && result.outcome == Outcome::kPassed;
        refused = refused && result.outcome == Outcome::kRefused;
        if (exclusion.of_operator) CheckRefusal(one, result);
      }
      if (passed) Complain(fmt::format("{}: is listed as out of scope, but passes", one.name));
    }
    tally.refused += refused ? 1 : 0;
  }

  // One line that names the operator.
  void CheckRefusal(const Case& one, const CaseResult& result) {
    const bool named = std::any_of(one.operators.begin(), one.operators.end(), [&](const std::string& op) {
      return ops::Find(op) == nullptr && result.detail.find(op) != std::string::npos;
    });
    // What is no tensor is refused before any node is looked at.
    if (result.outcome == Outcome::kRefused && (named || !one.has_data)) return;
    Complain(fmt::format("{}: should be refused with its operator's name: {}", one.name, result.detail));
  }

  const std::vector<Case>& cases_;
  const Scope& scope_;
  Summary summary_;
  int complaints_ = 0;
};

int Main(const std::vector<std::string>& arguments) {
  const bool write = arguments.size() == 4 && arguments[3] == "--write";
  if (arguments.size() != 3 && !write) {
    fmt::print(stderr, "usage: run_all CASES-FOLDER OUT_OF_SCOPE.TXT DOCUMENT [--write]\n");
    return 2;
  }
  const std::vector<Case> cases = LoadCases(arguments[0]);
  const Scope scope(arguments[1]);
  Runner runner(cases, scope);
  runner.Run();
  const std::string table = FormatSummary(runner.summary());
  fmt::print("{}", table);
  const std::string document = CheckDocument(arguments[2], table, write);
  if (!document.empty()) fmt::print("{}\n", document);
  fmt::print("{} cases, {} complaints\n", cases.size(), runner.complaints());
  return runner.complaints() == 0 && document.empty() ? 0 : 1;
}

}  // namespace
}  // namespace prefiqs::conformance

int main(int argc, char** argv) {
  try {
    return prefiqs::conformance::Main({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 2;
  }
}
