/** Texts of src/contacts. */

export default {};
