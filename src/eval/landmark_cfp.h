// The fiducials of CFP: 30 points on one half of a face, reduced to the five of an alignment.
#ifndef PREFIQS_EVAL_LANDMARK_CFP_H_
#define PREFIQS_EVAL_LANDMARK_CFP_H_

#include <array>
#include <string>
#include <vector>

#include <prefiqs/detector.h>

#include "eval/landmark_file.h"

namespace prefiqs::eval {

inline constexpr std::size_t kCfpPoints = 30;
using CfpPoints = std::array<Point, kCfpPoints>;

// Counted from 0: 0 to 8 are the jaw from the ear to the chin, 9 to 11 the brow, 12 to 17 the eye, 18 to 21 the bridge
// of the nose down to its tip, 22 to 24 the nostril, 25 the corner of the mouth, 26 to 29 the lips in the face's
// middle. All lie on one half of the face or on its middle. So the eye is the mean of its six points, the nose its tip,
// and the other half is the mirror image beyond the line from the top of the nose to the lips. In a profile the other
// half is hidden: its eye and mouth corner are put 1.2 times as far away as that line, where detectors put them.
//
// Both factors are measured on the 3,497 of 3,500 pictures in which YuNet 2023mar finds the face: its far eye and mouth
// corner are 2.01 and 2.04 times (medians) as far from the near ones as the line is in frontal pictures, and 1.27 and
// 1.14 times in profiles.
Landmarks FromCfp(const CfpPoints& points, bool is_profile);

bool IsCfpFolder(const std::string& path);
// The rows are named ID/frontal/NN and ID/profile/NN, in the order of the names. Throws Error(kIo) naming file, line
// and cause.
std::vector<LandmarkRow> ReadCfpFiducials(const std::string& folder);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_LANDMARK_CFP_H_
