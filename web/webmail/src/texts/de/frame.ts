/** Texts of src/frame. */

export default {};
