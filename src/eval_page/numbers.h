// Numbers as the page says them; script.h says some of them again.
#ifndef PREFIQS_EVAL_PAGE_NUMBERS_H_
#define PREFIQS_EVAL_PAGE_NUMBERS_H_

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>

#include <prefiqs/evaluation.h>

namespace prefiqs::eval_page {

inline std::string Number(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string("–");
}

inline std::string Percent(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f} %", 100 * value) : std::string("–");
}

inline std::string Between(const EvaluationInterval& interval, double scale, int decimals) {
  if (!std::isfinite(interval.low)) return "–";
  return fmt::format("{:.{}f} to {:.{}f}", scale * interval.low, decimals, scale * interval.high, decimals);
}

inline std::string Rate(double value) { return std::isfinite(value) ? fmt::format("{:.2g}", value) : std::string("–"); }

// Thousands apart by a narrow space that does not break.
inline std::string Grouped(std::uint64_t count) {
  std::string text = fmt::format("{}", count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, "\u202f");
  return text;
}

// Whether a curve is asked for by its error without discarding.
inline bool StartsAtError(EdcProtocol protocol) {
  return protocol == EdcProtocol::kFalseNonMatches || protocol == EdcProtocol::kFalseMatches;
}

// "0.001", an FMR, or of protocols that start at an error "start 0.05".
inline std::string Asked(const EvaluationCurve& curve) {
  return StartsAtError(curve.protocol) ? fmt::format("start {}", curve.start) : fmt::format("{}", curve.fmr);
}

}  // namespace prefiqs::eval_page

#endif  // PREFIQS_EVAL_PAGE_NUMBERS_H_
