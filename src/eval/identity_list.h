// Who is on which picture: the files in which data sets say it.
#ifndef PREFIQS_EVAL_IDENTITY_LIST_H_
#define PREFIQS_EVAL_IDENTITY_LIST_H_

#include <cstddef>
#include <string>
#include <vector>

namespace prefiqs::eval {

struct NamedPerson {
  std::vector<std::string> names;  // that the picture may have, as a PairList has them; any of them
  std::string identity;
  std::size_t line = 0;
};

// By the first line of the file:
//   Adience's fold files (fold_0_data.txt, fold_frontal_0_data.txt), tab-separated, with user_id, original_image and
//   face_id: pictures are USER/landmark_aligned_face.FACE.IMAGE (of aligned/) or
//   USER/coarse_tilt_aligned_face.FACE.IMAGE (of faces/). A person is the face_id alone: it is counted through all
//   albums, and one album and one photograph show several people; a CSV file with the columns path (or file, name,
//   image) and identity;
//   lists of FERET's pictures, one a line or several (fa.txt, *.srt): the first five digits of a name are the person.
// Throws Error(kIo) or Error(kUsage) naming file, line and cause.
std::vector<NamedPerson> ReadIdentities(const std::string& path);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_IDENTITY_LIST_H_
