#include "document.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

namespace prefiqs::conformance {
namespace {

constexpr std::string_view kBegin = "<!-- written by prefiqs_conformance_test -->\n";
constexpr std::string_view kEnd = "<!-- end -->\n";

std::string Row(const std::string& name, const Tally& tally) {
  return fmt::format("| {} | {} | {} | {} | {} | {} | {} | {} |\n", name, tally.cases, tally.runs,
                     tally.passed_reference, tally.passed_onednn, tally.wholly_onednn, tally.layers - tally.fallbacks,
                     tally.fallbacks);
}

std::string Table(const std::map<std::string, Tally>& tallies) {
  std::string text =
      "| operator | cases | runs | passed on reference | passed on onednn | runs wholly by onednn | layers by onednn "
      "itself | layers left to reference |\n|---|--:|--:|--:|--:|--:|--:|--:|\n";
  Tally all;
  for (const auto& [op, tally] : tallies) {
    text += Row(op, tally);
    all += tally;
  }
  return text + Row("**all**", all);
}

}  // namespace

Tally& Tally::operator+=(const Tally& other) {
  cases += other.cases;
  runs += other.runs;
  passed_reference += other.passed_reference;
  passed_onednn += other.passed_onednn;
  wholly_onednn += other.wholly_onednn;
  layers += other.layers;
  fallbacks += other.fallbacks;
  return *this;
}

std::string FormatSummary(const Summary& summary) {
  std::string text;
  for (const auto& [source, tallies] : summary.in_scope) {
    text += source == "onnx" ? "## ONNX's node tests\n\n" : "## Cases of our own, for other opsets\n\n";
    text += Table(tallies) + "\n";
  }
  text += "## Out of scope\n\n";
  text += "| reason | cases | of these refused | operators and cases |\n|---|--:|--:|---|\n";
  for (const auto& [reason, patterns] : summary.out_of_scope) {
    ExclusionTally all;
    std::vector<std::string> names;
    for (const auto& [pattern, tally] : patterns) {
      all.cases += tally.cases;
      all.refused += tally.refused;
      names.push_back(pattern.find_first_of("*_") == std::string::npos ? pattern : fmt::format("`{}`", pattern));
    }
    text += fmt::format("| {} | {} | {} | {} |\n", reason, all.cases, all.refused, fmt::join(names, ", "));
  }
  return text;
}

std::string CheckDocument(const std::string& path, const std::string& table, bool write) {
  std::ifstream in(path, std::ios::binary);
  const std::string old{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = old.find(kBegin);
  const std::size_t end = old.find(kEnd);
  if (!in.is_open() || begin == std::string::npos || end == std::string::npos || end < begin) {
    return fmt::format("{}: has no place for the table between the lines\n{}{}", path, kBegin, kEnd);
  }
  const std::string text = old.substr(0, begin) + std::string(kBegin) + table + old.substr(end);
  if (text == old) return {};
  if (!write) return fmt::format("{}: does not say what ran; write it anew with --write", path);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  return out ? std::string() : fmt::format("{}: cannot write", path);
}

}  // namespace prefiqs::conformance
