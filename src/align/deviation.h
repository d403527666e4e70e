// Is the face of a crop where alignment puts it?
#ifndef PREFIQS_ALIGN_DEVIATION_H_
#define PREFIQS_ALIGN_DEVIATION_H_

#include <span>

#include <prefiqs/detector.h>

namespace prefiqs::align {

// How a face lies in a crop, compared with the same face aligned: the similarity transform between its five points and
// the template. It is the identity for the points that a crop was aligned by, whatever the pose: how the points of a
// profile differ from the template in shape does not count.
struct Deviation {
  double scale = 1;     // size of the face, 1 where it is aligned; more than 0
  double degrees = 0;   // by which it is turned, clockwise as seen; in (-180, 180]
  double distance = 0;  // of the template's points from where that transform puts them, root mean square, in eye
                        // distances of the template (35 of 112 pixels)
};

// Of five points in a crop. `wanted`: the crop's Template(). Points that coincide or are not finite are as far as can
// be: distance is infinite, and scale 0.
Deviation DeviationOf(const Landmarks& points, const Landmarks& wanted);

// The face that deviates least from an aligned one; null where there is none.
const Face* BestAligned(std::span<const Face> faces, const Landmarks& wanted);

}  // namespace prefiqs::align

#endif  // PREFIQS_ALIGN_DEVIATION_H_
