// Networks whose output has the same length for all pictures: its norm says nothing.
#ifndef PREFIQS_PIPELINE_CONSTANT_NORM_H_
#define PREFIQS_PIPELINE_CONSTANT_NORM_H_

#include <span>

#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

#include "engine/twin.h"

namespace prefiqs::pipeline {

// Norms that differ by less than this share of the largest are one norm. On the pictures below a network that
// normalises its output differs by 6e-8, rounding noise; the network that comes with prefiqs and four others by 0.15 to
// 0.38.
inline constexpr double kConstantNorm = 1e-5;

// Whether Assessment::quality is the length of an embedding.
bool IsNorm(Method method, const Network& network);

// Whether norms are one number. False for fewer than two; none of them is infinite or not a number.
bool IsConstant(std::span<const double> norms);

// Whether the whole network's output has one length for all of a few fixed pictures: noise of several contrasts and
// brightnesses, and a ramp. False where fewer than two of them have a finite length.
bool HasConstantNorm(const engine::Twin& twin, const Network& network);

// Throws Error(kUsage) where HasConstantNorm().
void CheckNorm(const engine::Twin& twin, const Network& network, Method method);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_CONSTANT_NORM_H_
