// Runs all cases: run_all CASES-FOLDER OUT_OF_SCOPE.TXT DOCUMENT [--write]
//
// Fails where a case in scope does not pass on both executors in all its forms; where one that is listed as out of
// scope passes in all forms on either; where a line of the list fits no case; and where the document does not say what
// ran.
//
// The list and the document are of the cases of one version of ONNX. Cases of another version may be refused, which is
// counted, and the document is not compared; but what runs must give the right values all the same.
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
constexpr std::string_view kListedVersion = "1.12.";  // of Debian 12

// Cases of other versions whose expected values are disputed: ONNX 1.17 divides by the whole window where ceil mode
// lets it reach beyond the padding; ONNX Runtime 1.30 by what lies in the padded picture, and so do we.
constexpr std::array<std::string_view, 1> kDisputed{
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True"};

class Runner {
 public:
  Runner(const std::vector<Case>& cases, const Scope& scope) : cases_(cases), scope_(scope) {}

  // Of cases that the list does not know; those that it does are left out.
  void RunUnlisted() {
    std::int64_t passed = 0, refused = 0;
    for (const Case& one : cases_) {
      if (!one.has_data || scope_.Find(one) != nullptr || std::ranges::find(kDisputed, one.name) != kDisputed.end()) {
        continue;
      }
      for (const Form& form : one.forms) {
        for (std::size_t kind = 0; kind < kKinds.size(); ++kind) {
          const CaseResult result = RunForm(one, form, kKinds[kind]);
          passed += result.outcome == Outcome::kPassed ? 1 : 0;
          refused += result.outcome == Outcome::kRefused ? 1 : 0;
          const bool must_run = one.source != "onnx";
          if (result.outcome == Outcome::kPassed || (result.outcome == Outcome::kRefused && !must_run)) continue;
          Complain(fmt::format("{} ({}) on {}: {}", one.name, form.name, kKindNames[kind], result.detail));
        }
      }
    }
    fmt::print("{} runs passed, {} were refused\n", passed, refused);
    if (passed == 0) Complain("nothing ran");
  }

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
  const std::string version = ReadOnnxVersion(arguments[0]);
  if (!version.starts_with(kListedVersion)) {
    fmt::print("cases of onnx {}: out_of_scope.txt and the document are of {}x, and are not compared\n", version,
               kListedVersion);
    runner.RunUnlisted();
    fmt::print("{} cases, {} complaints\n", cases.size(), runner.complaints());
    return runner.complaints() == 0 ? 0 : 1;
  }
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
