// The faces that a recipe is chosen by, and what becomes of them.
#ifndef PREFIQS_SWEEP_CHOOSE_FACES_H_
#define PREFIQS_SWEEP_CHOOSE_FACES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include <prefiqs/image.h>
#include <prefiqs/job.h>
#include <prefiqs/network.h>

namespace prefiqs::sweep {

// Crops as the network takes them, of faces spread evenly over the inputs' names: as many as there are up to `most`, in
// the order of their PictureHash. The order of the inputs changes neither. Throws as choose_recipe does, where there
// are fewer than `fewest` too.
std::vector<Image> TakeFaces(const Network& network, const JobOptions& options, std::size_t most, std::size_t fewest);

struct MadeWorse {
  Image picture;
  bool worse = true;  // false: it was left as it is
};

// Of the size and all pixels.
std::uint64_t PictureHash(const Image& picture);

// A face made worse in one of seven ways at one of three strengths, or left alone, each as likely; which hangs on the
// seed alone.
MadeWorse MakeWorse(const Image& face, std::uint64_t seed);

}  // namespace prefiqs::sweep

#endif  // PREFIQS_SWEEP_CHOOSE_FACES_H_
