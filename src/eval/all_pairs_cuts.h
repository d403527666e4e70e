// Where protocols cut when all pairs of the images are compared, from qualities and identities alone.
#ifndef PREFIQS_EVAL_ALL_PAIRS_CUTS_H_
#define PREFIQS_EVAL_ALL_PAIRS_CUTS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "eval/comparisons.h"
#include "eval/edc.h"

namespace prefiqs::eval {

// What CutsOf gives for the list of all pairs, by first, then second image; start is of `kept_pairs`, some of them in
// any order. identity: of each image; drawn: how often each identity counts (bootstrap.h), empty: once.
PairCuts CutsOfAllPairs(const Comparisons& kept_pairs, std::span<const std::uint32_t> identity,
                        std::span<const float> quality, TieOrder ties, Weights drawn = {});

// GoneImages, with what is kept of all pairs.
ImageCuts ImageCutsOfAllPairs(std::span<const std::uint32_t> identity, std::span<const float> quality,
                              Weights drawn = {}, TieOrder ties = TieOrder::kAsListed);

// How many non-mated pairs there are of each quality, the worst first.
std::vector<QualityGroup> NonMatedByQuality(std::span<const std::uint32_t> identity, std::span<const float> quality,
                                            Weights drawn = {});

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_ALL_PAIRS_CUTS_H_
