// Error-versus-discard curves: how the error falls as the worst of what was compared is set aside.
//
// Three protocols are in use and give different numbers for the same scores; they are named by who uses them. All take
// the lower quality of a comparison's two images as the comparison's.
#ifndef PREFIQS_EVAL_EDC_H_
#define PREFIQS_EVAL_EDC_H_

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "eval/comparisons.h"

namespace prefiqs::eval {

struct EdcPoint {
  double discarded = 0;  // share, of comparisons or of images
  double error = 0;      // FNMR (or FMR, where that is asked for) of what is kept
  double threshold = 0;
  double fmr = 0;                          // that the threshold gives, of what is kept; NaN where it is not looked at
  std::uint64_t mated = 0, non_mated = 0;  // comparisons kept, by weight
  float quality = std::numeric_limits<float>::quiet_NaN();  // the lowest kept; -infinity: missing; NaN: nothing is kept
};
using Curve = std::vector<EdcPoint>;  // by rising share

// How many of so many non-mated comparisons may be accepted at an FMR; 0: they are too few to tell it.
std::uint64_t FalseMatchesAllowed(double fmr, std::uint64_t non_mated);

inline constexpr std::uint64_t kEdcSteps = 20;  // of protocols A and C: shares k / 20 for k = 0..19

// What is kept at a step, by weight.
struct Kept {
  std::uint64_t mated = 0, non_mated = 0;
};

constexpr std::array<float, kEdcSteps> AtEveryStep(float value) {
  std::array<float, kEdcSteps> values{};
  for (float& v : values) v = value;
  return values;
}
// Where nothing is missing.
constexpr std::array<float, kEdcSteps> LowestOfAll() { return AtEveryStep(-std::numeric_limits<float>::infinity()); }
constexpr std::array<float, kEdcSteps> NothingKept() { return AtEveryStep(std::numeric_limits<float>::quiet_NaN()); }

// Where protocol A cuts. The comparisons need not be all that there are: non-mated ones that no threshold comes near
// may be left out, as long as the totals and places count them.
struct PairCuts {
  std::array<Kept, kEdcSteps> kept;
  std::array<float, kEdcSteps> quality = NothingKept();  // as in EdcPoint
  std::array<std::uint64_t, kEdcSteps> cut{};            // weight that is discarded
  std::vector<std::uint64_t> start;                      // of each comparison: weight that goes before it
  // Of all pairs: an image with the lowest quality that is kept, and the similarity from which on no kept pair is
  // missing.
  std::array<std::uint32_t, kEdcSteps> worst{};
  std::array<float, kEdcSteps> lowest = LowestOfAll();
};
PairCuts CutsOf(const Comparisons& comparisons, const Ranking& ranking, Weights weights = {});

// Protocol C: the first step at which each image is gone, and what is kept.
struct ImageCuts {
  std::array<Kept, kEdcSteps> kept;
  std::array<float, kEdcSteps> quality = NothingKept();  // as in EdcPoint, of images
  std::vector<std::uint64_t> gone;
  std::array<std::uint32_t, kEdcSteps> worst{};  // as in PairCuts
  std::array<float, kEdcSteps> lowest = LowestOfAll();
};
// By quality and image_weights alone; `kept` is left to be filled.
ImageCuts GoneImages(std::span<const float> quality, Weights image_weights = {}, TieOrder ties = TieOrder::kAsListed);

// Protocol A, of CR-FIQA (arXiv 2112.06592), GraFIQs, ViT-FIQA and by all signs PreFIQs. Mated and non-mated
// comparisons together are discarded in steps of 5 %, floor(N k / 20) for k = 0..19, comparison by comparison. The
// threshold is found anew among the similarities of what is kept: the one whose share of non-mated comparisons at or
// above it is nearest to `fmr`, of equals the lowest. Accepted is what exceeds it: FNMR counts similarities <= t.
// Points without kept mated or non-mated comparisons are left out; so is everything when no comparison is non-mated.
Curve EdcOfPairs(const Comparisons& comparisons, const Ranking& ranking, double fmr, Weights weights = {});
// The same with cuts made before. Empty optional: the threshold is below all similarities of the comparisons, which
// were not all.
std::optional<Curve> EdcOfPairs(const Comparisons& comparisons, const Ranking& ranking, const PairCuts& cuts,
                                double fmr, Weights weights = {});

// Area under straight lines through the points, over shares 0 to `limit`, cut there. Protocol A's AUC (0.95) and pAUC.
double TrapezoidArea(const Curve& curve, double limit);

// Protocol B, ISO/IEC 29794-1 as in Schlett et al., arXiv 2303.13294: one threshold throughout, errors of mated
// comparisons below it (or of non-mated ones at or above it); equal qualities are discarded together, so a point is
// where the quality changes; (1, 0) is last.
enum class ErrorKind { kFalseNonMatch, kFalseMatch };
Curve EdcAtThreshold(const Comparisons& comparisons, const Ranking& ranking, double threshold, ErrorKind kind,
                     Weights weights = {});

// The lowest threshold of which no more than `fmr` of the non-mated similarities are at or above it: just above one of
// them. -infinity where all may pass.
double ThresholdAtFmr(const Comparisons& comparisons, const Ranking& ranking, double fmr, Weights weights = {});

// The same of comparisons that are not all, `non_mated` being the weight of all non-mated ones; empty where that
// threshold is not among them, or below `lowest`, from where on up none is missing.
std::optional<double> ThresholdAtFmr(const Comparisons& comparisons, const Ranking& ranking, double fmr,
                                     std::uint64_t non_mated, Weights weights,
                                     float lowest = -std::numeric_limits<float>::infinity());

// The threshold that makes `error` of the mated comparisons (or non-mated) errors: a quantile of their similarities,
// linear between them (Hyndman and Fan 1996, definition 7). What cannot be compared is never accepted: the threshold is
// finite. Requires one of that kind.
double ThresholdAtError(const Comparisons& comparisons, const Ranking& ranking, double error, ErrorKind kind,
                        Weights weights = {});
// The same of false matches where the non-mated comparisons are not all, `non_mated` being the weight of all of them,
// at least 1; empty where the quantile is not among them, or below `lowest`.
std::optional<double> ThresholdAtFalseMatches(const Comparisons& comparisons, const Ranking& ranking, double error,
                                              std::uint64_t non_mated, Weights weights = {},
                                              float lowest = -std::numeric_limits<float>::infinity());

// Non-mated comparisons of one quality.
struct QualityGroup {
  float quality = 0;  // of a comparison; -infinity: missing
  std::uint64_t non_mated = 0;
};
// EdcAtThreshold of false matches where only some non-mated comparisons are at hand, those at or above the threshold
// among them; groups: of all non-mated ones, the worst first.
Curve EdcOfFalseMatches(const Comparisons& comparisons, const Ranking& ranking, std::span<const QualityGroup> groups,
                        double threshold, Weights weights = {});

// Area under the steps that go on from each point to the next, over shares 0 to `limit`.
double StepArea(const Curve& curve, double limit);

// The error at a share: of the last point at or before it. NaN before the first point and behind the last one's step.
double ErrorAt(const Curve& curve, double discarded);

// Protocol B's pAUC: StepArea less that of the best possible curve, which loses all errors first: e0^2/2 for limits
// of e0 = error without discarding or more, else e0^2/2 - (e0 - limit)^2/2.
double AreaAboveBest(const Curve& curve, double limit);

// Protocol C, of FaceQAN, DifFIQA, eDifFIQA and FROQ: floor(n k / 20) images of the lowest quality go, with all their
// comparisons; of equally good ones the first listed (or the last). Threshold as in protocol A, but FNMR counts
// similarities < t. Ends where fewer than 1 / fmr non-mated comparisons remain. image_weights: how often each image
// counts among the n; an image goes with all its copies. Empty: once each.
Curve EdcOfImages(const Comparisons& comparisons, const Ranking& ranking, std::span<const float> quality, double fmr,
                  Weights weights = {}, Weights image_weights = {}, TieOrder ties = TieOrder::kAsListed);
std::optional<Curve> EdcOfImages(const Comparisons& comparisons, const Ranking& ranking, const ImageCuts& cuts,
                                 double fmr, Weights weights = {});

// Protocol C's normalised area: StepArea / (limit * error without discarding). NaN where that error is 0.
double NormalisedArea(const Curve& curve, double limit);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_EDC_H_
