/** Texts of src/settings. */

export default {};
