// The comparisons of an evaluation and their orders, made once, and curves of them in any resample.
#ifndef PREFIQS_EVAL_EVALUATOR_H_
#define PREFIQS_EVAL_EVALUATOR_H_

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include <prefiqs/evaluation.h>

#include "eval/all_pairs_cuts.h"
#include "eval/comparisons.h"
#include "eval/edc.h"
#include "eval/evaluation_set.h"
#include "eval/harm.h"
#include "eval/kept_errors.h"
#include "eval/nearest_strangers.h"
#include "eval/similarity_join.h"

namespace prefiqs::eval {

// Areas as an EvaluationCurve has them; NaN where the curve ends before.
struct Areas {
  double to_20, to_30, whole, normalised;
};
Areas AreasOf(EdcProtocol protocol, const Curve& curve);

inline constexpr std::array kEdcProtocols{EdcProtocol::kPairs, EdcProtocol::kFixedThreshold, EdcProtocol::kImages,
                                          EdcProtocol::kFalseNonMatches, EdcProtocol::kFalseMatches};

// What an evaluation asks a protocol for: FMRs, or starting errors.
inline bool StartsAtError(EdcProtocol protocol) {
  return protocol == EdcProtocol::kFalseNonMatches || protocol == EdcProtocol::kFalseMatches;
}
const std::vector<double>& RatesOf(const EvaluationOptions& options, EdcProtocol protocol);
// B's protocols look at one kind of comparisons with one threshold.
inline bool HasOneThreshold(EdcProtocol protocol) {
  return protocol == EdcProtocol::kFixedThreshold || StartsAtError(protocol);
}

// Of step k of protocols A and C.
inline double ShareAt(std::uint64_t step) { return static_cast<double>(step) / static_cast<double>(kEdcSteps); }

// How often things count in one resample; empty: once.
struct Draw {
  std::vector<std::uint32_t> identities, comparisons, mirrored_comparisons, images;
};

// Asked for with all pairs, of which too few were held.
struct FloorTooHigh {};

// What all resamples share. Threads may share it too.
class Evaluator {
 public:
  // share: of all pairs, as JoinAllPairs takes it; of a list all count.
  Evaluator(const EvaluationSet& set, double share, int threads);
  Evaluator(const Evaluator&) = delete;  // plain_ may point into it
  Evaluator& operator=(const Evaluator&) = delete;

  const Comparisons& plain() const { return *plain_; }
  std::uint64_t mated() const { return mated_; }
  std::uint64_t non_mated() const { return non_mated_; }

  Draw DrawAgain(std::uint64_t seed, std::uint64_t resample) const;

  // Of the images in a draw, at a threshold; for RCE.
  std::vector<Harm> HarmAt(double threshold, const Draw& draw) const;

  // One method in one draw.
  class Run {
   public:
    Run(const Evaluator& e, std::size_t method, TieOrder ties, const Draw& draw);
    Run(const Run&) = delete;  // ranking_ may point into it
    Run& operator=(const Run&) = delete;

    // rate: an FMR, or the starting error. Empty where a draw has no comparisons of the kinds that are asked about, as
    // those of very few people may.
    Curve Edc(EdcProtocol protocol, double rate) const;

    // Those of a point of protocol A's curve.
    ErrorStep Errors(const EvaluationPoint& point) const {
      return StepOfErrors(WithMirror(), *ranking_, pairs_, point);
    }

    // Of all comparisons, the lowest with no more than `fmr`; NaN where none is non-mated.
    double Threshold(double fmr) const;

   private:
    bool HasNonMated() const { return pairs_.kept[0].non_mated > 0; }
    Curve EdcOfStart(EdcProtocol protocol, double error) const;
    const Comparisons& WithMirror() const { return e_.with_mirror_ ? e_.mirrored_ : *e_.plain_; }
    Weights MirrorWeights() const { return e_.with_mirror_ ? draw_.mirrored_comparisons : draw_.comparisons; }

    const Evaluator& e_;
    const Draw& draw_;
    const TieOrder ties_;
    const Ranking* plain_ranking_;
    const Ranking* ranking_;  // of WithMirror()
    Ranking reversed_;
    std::span<const float> quality_;
    float lowest_ = -std::numeric_limits<float>::infinity();  // from there on up no pair is missing
    PairCuts pairs_;
    ImageCuts images_;
  };

 private:
  const EvaluationSet& set_;
  const Comparisons* plain_;
  Comparisons joined_, mirrored_;
  Floors floors_, mirrored_floors_;            // of all pairs, by method
  std::optional<NearestStrangers> strangers_;  // of all pairs
  bool with_mirror_ = false;
  std::uint64_t mated_ = 0, non_mated_ = 0;
  std::vector<Ranking> plain_ranking_, mirrored_ranking_;  // by method
};

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_EVALUATOR_H_
